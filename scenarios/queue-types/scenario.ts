// When work is done that nobody needs to wait for, and what is left of it when
// something breaks.
import { defineScenario, type Traits } from '#core/scenario'
import * as crashes from './crashes.ts'
import * as delays from './delays.ts'
import * as exercises from './exercises.ts'
import { judge } from './judge.ts'
import inProcess from './variants/in-process.ts'
import inline from './variants/inline.ts'
import notedAfter from './variants/noted-after.ts'
import notedBefore from './variants/noted-before.ts'
import queued from './variants/queued.ts'
import queuedOnce from './variants/queued-once.ts'

const variants = {
  inline,
  'in-process': inProcess,
  queued,
  'noted-before': notedBefore,
  'noted-after': notedAfter,
  'queued-once': queuedOnce,
}
type Name = keyof typeof variants
const all = Object.keys(variants) as Name[]
const allBut = (...some: Name[]) => all.filter((name) => !some.includes(name))
const withQueue = allBut('inline', 'in-process')
/** Those that do a job again until it has ended, and not only begun. */
const untilDone = allBut('inline', 'in-process', 'noted-before')

/** Those with a queue, where that queue can be relied upon so far. */
const queueThat =
  (trait: keyof Traits) =>
  ({ variant, traits }: { variant: Name; traits: Traits }) =>
    withQueue.includes(variant) && traits[trait]

/** Those that finish what a crash has interrupted, where it was kept. */
const finished = ({ variant, traits }: { variant: Name; traits: Traits }) =>
  // Inline accepts nothing that is not done already.
  variant === 'inline' ||
  (untilDone.includes(variant) && traits.survivesRestart)

// Killed attempts are found dead after `withinMs`, so it is short wherever a
// process is killed, and still long beside what an import takes.
const patience = { withinMs: 1500, attempts: 5, backoffMs: 50, concurrency: 20 }

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
      says: 'What a crash interrupts before it is booked is booked once.',
      exercise: crashes.killedBeforeBooking,
      heldBy: finished,
      knobs: { checkMs: 300, ...patience },
      lines: {
        'in-process': 'work(order.csv)',
        queued:
          "accept(ctx, await queue.add('import', csv, key ? { key } : {}))",
        'noted-before': 'if (!isFirst) return null',
      },
    },
    'killed-while-booking': {
      says: 'What a crash interrupts while it books is booked once, and whole.',
      exercise: crashes.killedWhileBooking,
      heldBy: finished,
      knobs: { bookMs: 200, ...patience },
      lines: {
        queued: 'await db.transaction((within) => ledger.book(within, all))',
        'noted-before': 'if (!isFirst) return null',
        'queued-once': 'return noted ? ledger.book(within, all) : 0',
      },
    },
    'crash-doubles-nothing': {
      says: 'What a crash interrupts after it is booked is not booked again.',
      exercise: crashes.killedAfterBooking,
      // What forgets a job does not do it again. It is sent again to inline.
      heldBy: ({ variant, traits }) =>
        allBut('inline', 'queued', 'noted-after').includes(variant) ||
        !traits.survivesRestart,
      knobs: { reportMs: 400, ...patience },
      lines: {
        queued: 'await db.transaction((within) => ledger.book(within, all))',
        'noted-after': 'if (!known) await db.transaction(',
        'queued-once': 'return noted ? ledger.book(within, all) : 0',
      },
    },
    'late-attempt-doubles-nothing': {
      says: 'An attempt that outlives its lease makes no second booking.',
      exercise: exercises.lateAttempt,
      heldBy: allBut('queued', 'noted-after'),
      knobs: { bookMs: 1500, withinMs: 500, attempts: 2, backoffMs: 10 },
      lines: {
        queued: 'await db.transaction((within) => ledger.book(within, all))',
        'noted-after': 'if (!known) await db.transaction(',
        'queued-once': 'return noted ? ledger.book(within, all) : 0',
      },
    },
    'double-click': {
      says:
        'A double click makes one import, at whichever processes; the same ' +
        'file under another key makes another.',
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
    'given-up-is-kept': {
      says:
        'What was accepted is booked, or is given up and lies among the ' +
        'failed with its reason.',
      exercise: exercises.poison,
      heldBy: allBut('in-process', 'noted-before'),
      knobs: { attempts: 2, backoffMs: 50 },
      lines: { 'noted-before': 'if (!isFirst) return null' },
    },
    'retried-with-backoff': {
      says: 'What fails is tried again, after a longer pause each time.',
      exercise: exercises.watchRetries,
      heldBy: untilDone,
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
      says: 'While an import waits for another service, others are answered.',
      exercise: delays.whileItWaits,
      heldBy: all,
      knobs: { checkMs: 1000 },
    },
    'large-file-delays-nobody': {
      says: 'A large file that is read at once delays no other requests.',
      exercise: delays.largeFile,
      alone: true,
      // A queue says when and how often, not where: all of them compute on the
      // one thread that answers everybody.
      heldBy: [],
      knobs: { concurrency: 1 },
    },
    // The same exercise finds no delay where there is none.
    'slices-delay-nobody': {
      says: 'A large file that is read in slices delays no other requests.',
      exercise: delays.largeFile,
      alone: true,
      heldBy: all,
      knobs: { concurrency: 1, sliceBytes: 2000 },
    },
    'one-at-a-time': {
      says: 'However many come at once, one process has one under way at once.',
      exercise: exercises.oneAtATime,
      heldBy: withQueue,
      knobs: { reportMs: 800, concurrency: 1 },
    },
    'limit-is-per-process': {
      says: 'Two processes have two under way at once, and no more.',
      exercise: exercises.twoAtATime,
      workers: 2,
      heldBy: queueThat('sharedBetweenProcesses'),
      knobs: { reportMs: 800, concurrency: 1 },
    },
    'scheduled-once': {
      says: 'While nothing fails, each slot is charged once by two processes.',
      exercise: exercises.feeOnce,
      workers: 2,
      // The key adds one job where processes share the queue. The note of the
      // slot charges once where they share no more than the ledger.
      heldBy: (of) =>
        of.variant === 'queued-once' || queueThat('sharedBetweenProcesses')(of),
      knobs: { feeEveryMs: 400 },
    },
    'charged-once': {
      says: 'Each slot is charged once, also where an attempt is made again.',
      exercise: exercises.feeOnce,
      workers: 2,
      heldBy: ['queued-once'],
      knobs: {
        feeEveryMs: 1600,
        bookMs: 700,
        withinMs: 500,
        attempts: 2,
        backoffMs: 10,
      },
      lines: { 'queued-once': 'bookOnce(`fee-' },
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
