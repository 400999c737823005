// Who fills the cache, who tells it of a change, and what follows from that.
import { defineScenario, type Workload } from '#core/scenario'
import * as exercises from './exercises.ts'
import { judgePrices } from './judge.ts'
import cacheAside from './variants/cache-aside.ts'
import negativeCaching from './variants/negative-caching.ts'
import none from './variants/none.ts'
import readThrough from './variants/read-through.ts'
import readThroughOnce from './variants/read-through-once.ts'
import readThroughStamped from './variants/read-through-stamped.ts'
import staleWhileRevalidate from './variants/stale-while-revalidate.ts'
import writeBehind from './variants/write-behind.ts'
import writeThrough from './variants/write-through.ts'
import { type Visits, zipf } from './zipf.ts'

const variants = {
  none,
  'cache-aside': cacheAside,
  'negative-caching': negativeCaching,
  'read-through': readThrough,
  'read-through-once': readThroughOnce,
  'read-through-stamped': readThroughStamped,
  'write-through': writeThrough,
  'write-behind': writeBehind,
  'stale-while-revalidate': staleWhileRevalidate,
}
type Name = keyof typeof variants
const all = Object.keys(variants) as Name[]
const allBut = (one: Name) => all.filter((name) => name !== one)

// The exercises rely on their knobs, also where a setup names others: copies
// that stay fresh, and a database that is not slowed down. A write-behind that
// meets a late reader writes soon.
const quick = { ttlMs: 10_000, dbDelayMs: 0, writeDelayMs: 0 }
const late = { ...quick, flushMs: 50 }

const shop = (says: string, of: Omit<Visits, 'count'>): Workload => {
  const visits = () => zipf({ ...of, count: 2000 })
  return { says, requests: visits, judge: () => judgePrices(visits()) }
}

export default defineScenario({
  title: 'Cache strategies',
  question: 'Who fills the cache, and who tells it that the price has changed?',
  chapter: 'caching',
  primary: 'p99',
  minutes: 40,
  difficulty: 2,
  variants,

  duel: {
    between: ['none', 'cache-aside'],
    because:
      'One asks the database for every look; the other asks its memory ' +
      'first, and the database only for what is missing there. What ' +
      'that saves depends on how dear the question was: here it is a ' +
      'small one, to a file beside the program.',
    lines: [
      'show(ctx, await products.find(ctx.state.id))',
      'await copies.get<Product>(key)',
    ],
  },

  claims: {
    'hot-product': {
      says: 'A hundred looks at one product cost the database one read.',
      exercise: exercises.hotProduct,
      heldBy: allBut('none'),
      knobs: quick,
    },
    'cold-crowd': {
      says: 'Twenty at once who want what is not in the cache cost one read.',
      exercise: exercises.coldCrowd,
      // Single flight earns it, and the stamps leave it in place.
      heldBy: ['read-through-once', 'read-through-stamped'],
      knobs: { ...quick, dbDelayMs: 250 },
    },
    'nobody-waits': {
      says: 'When a copy is no longer fresh, nobody waits for a new one.',
      exercise: exercises.justOver,
      heldBy: ['stale-while-revalidate'],
      // Longer than a busy machine takes for what does not wait.
      knobs: { ...quick, ttlMs: 100, dbDelayMs: 400 },
    },

    'own-change': {
      says: 'Who changes a price sees the new one on the next look.',
      exercise: exercises.ownChange,
      heldBy: allBut('stale-while-revalidate'),
      knobs: quick,
    },
    'changed-elsewhere': {
      says: 'A price changed at one process is the new one at the other.',
      exercise: exercises.changedElsewhere,
      workers: 2,
      heldBy: ({ variant, traits }) =>
        variant === 'none' ||
        (variant !== 'stale-while-revalidate' && traits.sharedBetweenProcesses),
      knobs: quick,
    },
    'late-reader': {
      says: 'A slow reader never puts an old price over a newer one.',
      exercise: exercises.lateReader,
      heldBy: ['none', 'read-through-stamped'],
      // Half of it is what a busy machine may be late by, on either side.
      knobs: { ...late, dbDelayMs: 500 },
      lines: {
        'cache-aside': 'if (product) await copies.set(key, product, { ttlMs })',
        'read-through-stamped':
          "if (copy?.stamp === stamp) return show(ctx, copy.product, 'hit')",
      },
    },
    'long-after': {
      says: 'An old price of a slow reader does not come back after ttlMs.',
      exercise: exercises.longAfter,
      heldBy: ['none', 'read-through-stamped'],
      knobs: { ...late, dbDelayMs: 800, ttlMs: 3000 },
      lines: {
        'read-through-stamped': 'const life = { ttlMs: ttlMs + 60_000 }',
      },
    },
    'late-answer': {
      says: 'A look after a change does not wait for a read from before it.',
      exercise: exercises.lateAnswer,
      heldBy: allBut('read-through-once'),
      knobs: { ...late, dbDelayMs: 500 },
      lines: {
        'read-through-once': 'const begun = loading.get(id)',
        'read-through-stamped': 'const begun = loading.get(key)',
      },
    },
    'early-reader': {
      says: 'A reader who comes during a change leaves no old price behind.',
      exercise: exercises.earlyReader,
      heldBy: allBut('stale-while-revalidate'),
      knobs: { ...quick, writeDelayMs: 600 },
      lines: {
        'cache-aside':
          'const product = await products.setPrice(id, priceCents)',
      },
    },
    'changed-behind': {
      says: 'A price that another program changes is seen at once.',
      exercise: exercises.changedBehind,
      heldBy: ['none'],
      knobs: quick,
    },
    'fresh-again': {
      says: 'No price is served any more once it was in the cache for ttlMs.',
      exercise: exercises.freshAgain,
      heldBy: allBut('stale-while-revalidate'),
      knobs: { ...quick, ttlMs: 250 },
    },
    'stale-at-most': {
      says: 'After ttlMs and staleMs together every old price is gone.',
      exercise: exercises.staleAtMost,
      heldBy: all,
      knobs: { ...quick, ttlMs: 150, staleMs: 150 },
    },

    renewed: {
      says: 'After ttlMs one look gets the old price, and a later one the new.',
      exercise: exercises.renewed,
      heldBy: ['stale-while-revalidate'],
      knobs: { ...quick, ttlMs: 100, staleMs: 60_000 },
      lines: { 'stale-while-revalidate': 'if (ttlS < 0) fetchBehind(id)' },
    },

    'warm-after-change': {
      says: 'The next look after a change needs no database.',
      exercise: exercises.lookAfterChange,
      heldBy: ['write-through', 'write-behind'],
      knobs: quick,
    },
    'ten-changes': {
      says: 'Ten changes of a price are answered without the database.',
      exercise: exercises.tenChanges,
      heldBy: ['write-behind'],
      knobs: quick,
    },
    'cold-change': {
      says: 'So is a change of a price that nobody has looked at.',
      exercise: exercises.coldChange,
      // The answer names the product, and somebody has to know it.
      heldBy: [],
      knobs: quick,
    },
    'in-the-database': {
      says: 'A change is answered first; after flushMs the database has it.',
      exercise: exercises.inTheDatabase,
      heldBy: ['write-behind'],
      // Half of it is what a busy machine may be late by, on either side.
      knobs: { ...quick, flushMs: 500, writeDelayMs: 500 },
    },
    'later-change': {
      says: 'Of two changes of one price, the database keeps the later one.',
      exercise: exercises.laterChange,
      workers: 2,
      heldBy: all,
      knobs: { ...quick, flushMs: 800 },
    },
    'change-then-crash': {
      says: 'A change that was acknowledged outlives a crash of the process.',
      exercise: exercises.changeThenCrash,
      heldBy: allBut('write-behind'),
      knobs: { ...quick, ttlMs: 200, flushMs: 60_000 },
    },

    'missing-twice': {
      says: 'Asking again for what does not exist spares the database.',
      exercise: exercises.missingTwice,
      heldBy: ['negative-caching'],
      knobs: quick,
    },
    'missing-once': {
      says: 'A scan for ids that do not exist does not reach the database.',
      exercise: exercises.missingOnce,
      attack: true,
      // What nobody has asked for yet, no cache can know.
      heldBy: [],
      knobs: quick,
    },
  },

  workloads: {
    zipf: shop('a few products are popular, most are not; 5 % change a price', {
      skew: 1,
      changesPercent: 5,
      seed: 1,
    }),
    even: shop('every product is as popular as any other; 5 % change a price', {
      skew: 0,
      changesPercent: 5,
      seed: 2,
    }),
    looks: shop(
      'a few products are popular, most are not; nobody changes a price',
      { skew: 1, changesPercent: 0, seed: 3 },
    ),
  },
})
