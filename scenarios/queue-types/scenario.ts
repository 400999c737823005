// When work is done that nobody needs to wait for, and what is left of it when
// something breaks.
import { defineScenario, type Traits } from '#core/scenario'
import * as exercises from './exercises.ts'
import { judge } from './judge.ts'
import inProcess from './variants/in-process.ts'
import inline from './variants/inline.ts'
import queued from './variants/queued.ts'
import queuedOnce from './variants/queued-once.ts'

const variants = {
  inline,
  'in-process': inProcess,
  queued,
  'queued-once': queuedOnce,
}
type Name = keyof typeof variants
const all = Object.keys(variants) as Name[]
const allBut = (one: Name) => all.filter((name) => name !== one)
const withQueue: Name[] = ['queued', 'queued-once']

/** Those with a queue, where that queue can be relied upon so far. */
const queueThat =
  (trait: keyof Traits) =>
  ({ variant, traits }: { variant: Name; traits: Traits }) =>
    withQueue.includes(variant) && traits[trait]

// Killed attempts are found dead after `withinMs`, so it is short wherever a
// process is killed, and still long beside what an import takes.
const patience = { withinMs: 1000, attempts: 5, backoffMs: 50, concurrency: 20 }

export default defineScenario({
  title: 'Queue types',
  question: 'Accepted is not done: who does the work, and how often?',
  chapter: 'async',
  primary: 'p99',
  minutes: 40,
  difficulty: 3,
  variants,

  duel: {
    between: ['inline', 'queued'],
    because:
      'One does the work before it answers; the other writes the work ' +
      'down, answers, and still has it to do. An early answer does not ' +
      'make the server any less busy.',
    lines: [
      'await db.transaction((within) => ledger.book(within, all))',
      "await queue.add('import', csv",
    ],
  },

  claims: {
    'answer-first': {
      says: 'The answer comes before the work ends.',
      exercise: exercises.answerFirst,
      heldBy: allBut('inline'),
      knobs: { checkMs: 1000 },
    },
    'outlives-a-crash': {
      says: 'What was accepted is done, though its process is killed.',
      exercise: exercises.killedAtWork,
      // Inline accepts nothing that is not done already.
      heldBy: (of) =>
        of.variant === 'inline' || queueThat('survivesRestart')(of),
      knobs: { checkMs: 300, ...patience },
      lines: {
        'in-process': 'work(order.csv)',
        queued:
          "accept(ctx, await queue.add('import', csv, key ? { key } : {}))",
      },
    },
    'crash-doubles-nothing': {
      says: 'What a crash interrupts is finished, and booked only once.',
      exercise: exercises.killedAfterBooking,
      heldBy: ({ variant, traits }) =>
        variant === 'queued-once' && traits.survivesRestart,
      knobs: { reportMs: 400, ...patience },
      lines: {
        queued: 'await db.transaction((within) => ledger.book(within, all))',
        'queued-once': 'return noted ? ledger.book(within, all) : 0',
      },
    },
    'double-click': {
      says: 'A double click makes one import, at whichever processes.',
      exercise: exercises.doubleClick,
      workers: 2,
      heldBy: queueThat('sharedBetweenProcesses'),
    },

    'failure-is-seen': {
      says: 'An import that fails does not fail silently.',
      exercise: exercises.brokenFile,
      heldBy: allBut('in-process'),
      knobs: { attempts: 1 },
    },
    'retried-with-backoff': {
      says: 'What fails is tried again, after a longer pause each time.',
      exercise: exercises.watchRetries,
      heldBy: withQueue,
      knobs: { attempts: 3, backoffMs: 400 },
    },
    'result-by-id': {
      says: 'The result can be fetched later, by the id of the import.',
      exercise: exercises.resultById,
      heldBy: allBut('inline'),
    },
    'result-elsewhere': {
      says: 'The result can be fetched at another process.',
      exercise: exercises.resultElsewhere,
      workers: 2,
      heldBy: queueThat('sharedBetweenProcesses'),
    },

    'waiting-delays-nobody': {
      says: 'While an import waits for somebody else, others are answered.',
      exercise: exercises.whileItWaits,
      heldBy: all,
      knobs: { checkMs: 500 },
    },
    'large-file-delays-nobody': {
      says: 'A large file delays other requests no longer than a small one.',
      exercise: exercises.largeFile,
      // A queue says when and how often, not where: all four compute on the
      // one thread that answers everybody.
      heldBy: [],
      knobs: { concurrency: 1 },
    },
    'one-at-a-time': {
      says: 'However many come at once, only so many are under way at once.',
      exercise: exercises.manyAtOnce,
      heldBy: withQueue,
      knobs: { reportMs: 1500, concurrency: 1 },
    },
    'scheduled-once': {
      says: 'What is scheduled is done once, by however many processes.',
      exercise: exercises.feeOnce,
      workers: 2,
      heldBy: queueThat('sharedBetweenProcesses'),
      knobs: { feeEveryMs: 400 },
    },
  },

  workloads: {
    // Accepting is faster than doing, so work piles up while this is sent: let
    // it end before the next is measured. The ledger grows by two rows with
    // every import, under an index, and is empty again after a reset.
    imports: {
      says: 'small files, one after another',
      requests: () =>
        Array.from({ length: 100 }, (_, i) => ({
          method: 'POST',
          path: '/imports',
          body: { csv: `account,cents\nada-${i},1250\nben-${i},-1250` },
        })),
      judge,
    },
  },
})
