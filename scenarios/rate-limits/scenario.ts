import { defineScenario } from '#core/scenario'
import {
  afterRestart,
  burstAtTheEdge,
  burstsWithPauses,
  burstThenPace,
  forgedAddress,
  impatientClient,
  madeUpKey,
  manyRequests,
  oneBurst,
  patientClient,
  quietWindow,
  threeBursts,
  twoProcesses,
} from './exercises.ts'
import { judge } from './judge.ts'
import fixedWindow from './variants/fixed-window.ts'
import gcra from './variants/gcra.ts'
import leakyBucket from './variants/leaky-bucket.ts'
import slidingCounter from './variants/sliding-counter.ts'
import slidingLog from './variants/sliding-log.ts'
import tokenBucket from './variants/token-bucket.ts'

const variants = {
  'fixed-window': fixedWindow,
  'sliding-log': slidingLog,
  'sliding-counter': slidingCounter,
  'token-bucket': tokenBucket,
  'leaky-bucket': leakyBucket,
  gcra,
}
type Name = keyof typeof variants
const all = Object.keys(variants) as Name[]
const allBut = (one: Name) => all.filter((name) => name !== one)

export default defineScenario({
  title: 'Rate limits',
  question: 'Ten requests per second: which ten?',
  chapter: 'load',
  primary: 'cpu',
  minutes: 35,
  difficulty: 2,
  variants,

  duel: {
    between: ['sliding-log', 'gcra'],
    because:
      'On every request, one goes through a list of earlier ones, and ' +
      'the other compares a single number. As long as the limit is ' +
      'small, both are little beside the work of answering a request at ' +
      'all.',
    lines: [
      'const recent = old.filter',
      'const due = Math.max(Math.min(paidOff, most), now)',
    ],
  },

  claims: {
    'no-double-burst': {
      says: 'A full burst just before a window ends leaves no room for more.',
      exercise: burstAtTheEdge,
      attack: true,
      heldBy: allBut('fixed-window'),
      knobs: { limit: 3, windowMs: 1500 },
      lines: {
        'fixed-window':
          'const before = startMs === old.startMs ? old.count : 0',
        'sliding-log':
          'const recent = old.filter((time) => time > atMs - windowMs)',
      },
    },
    'never-over-the-limit': {
      says: 'No stretch of time as long as a window sees more than the limit.',
      exercise: threeBursts,
      heldBy: ['sliding-log', 'leaky-bucket'],
      knobs: { limit: 4, windowMs: 1000 },
    },
    'average-rate': {
      says: 'In the long run nobody gets more than one burst and the pace.',
      exercise: burstsWithPauses,
      heldBy: allBut('fixed-window'),
      knobs: { limit: 5, windowMs: 1000 },
      lines: {
        'token-bucket':
          '? Math.min(full, old.level + (atMs - old.atMs) * limit)',
        gcra: 'const due = Math.max(Math.min(paidOff, most), now)',
      },
    },
    'burst-then-pace': {
      says: 'A full burst is served at once, then one per window ÷ limit.',
      exercise: burstThenPace,
      heldBy: ['token-bucket', 'gcra'],
      knobs: { limit: 3, windowMs: 1200 },
    },
    'one-by-one': {
      says: 'Requests that come together are served window ÷ limit apart.',
      exercise: oneBurst,
      heldBy: ['leaky-bucket'],
      knobs: { limit: 3, windowMs: 600 },
    },
    'silence-restores': {
      says: 'After a window of silence a client has its full limit again.',
      exercise: quietWindow,
      heldBy: allBut('sliding-counter'),
      knobs: { limit: 3, windowMs: 600 },
    },
    'small-state': {
      says: 'The memory that a client takes does not grow with its requests.',
      exercise: manyRequests,
      heldBy: allBut('sliding-log'),
      knobs: { limit: 1000, windowMs: 5000 },
    },
    'one-limit-for-all-processes': {
      says: 'Two server processes together admit exactly the limit.',
      exercise: twoProcesses,
      heldBy: ({ traits }) => traits.sharedBetweenProcesses,
      workers: 2,
      knobs: { limit: 2, windowMs: 1500 },
    },
    'outlives-a-restart': {
      says: 'A restart of the server hands out no fresh limit.',
      exercise: afterRestart,
      heldBy: ({ traits }) => traits.survivesRestart,
      knobs: { limit: 1, windowMs: 60_000 },
    },
    'retry-after-is-enough': {
      says: 'Retry-After is the first whole second that is late enough.',
      exercise: patientClient,
      heldBy: all,
      knobs: { limit: 2, windowMs: 2400 },
    },
    'retry-after-ms-is-exact': {
      says: 'Knocking before retryAfterMs is in vain, and puts nothing off.',
      exercise: impatientClient,
      heldBy: all,
      knobs: { limit: 1, windowMs: 600 },
    },
    'forged-address': {
      says: 'A header that names another address gives no fresh limit.',
      exercise: forgedAddress,
      attack: true,
      heldBy: all,
      knobs: { limit: 3, windowMs: 3000 },
    },
    'made-up-key': {
      says: 'A key that the client has made up gives no fresh limit.',
      exercise: madeUpKey,
      attack: true,
      // All of them count by the key, and nobody checks whose it is.
      heldBy: [],
      knobs: { limit: 3, windowMs: 3000 },
    },
  },

  workloads: {
    flood: {
      says: 'one client that never stops: nearly all is refused',
      requests: () => [
        { method: 'GET', path: '/', headers: { 'x-api-key': 'flood' } },
      ],
      judge,
    },
    crowd: {
      says: '1,000 clients in turn: all pass below 10,000 requests/s',
      requests: () =>
        Array.from({ length: 1000 }, (_, i) => ({
          method: 'GET',
          path: '/',
          headers: { 'x-api-key': `client-${i}` },
        })),
      judge,
    },
  },
})
