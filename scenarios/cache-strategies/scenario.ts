// Who fills the cache, who tells it of a change, and what follows from that.
import { defineScenario, type Workload } from '#core/scenario'
import * as exercises from './exercises.ts'
import { judgePrices } from './judge.ts'
import cacheAside from './variants/cache-aside.ts'
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
    },
    'cold-crowd': {
      says: 'Twenty at once who want what is not in the cache cost one read.',
      exercise: exercises.coldCrowd,
      heldBy: ['read-through-once', 'read-through-stamped'],
      knobs: { dbDelayMs: 250 },
      lines: {
        'read-through-once': 'const begun = loading.get(id)',
        'read-through-stamped': 'const begun = loading.get(key)',
      },
    },
    'nobody-waits': {
      says: 'When a copy is no longer fresh, nobody waits for a new one.',
      exercise: exercises.justOver,
      heldBy: ['stale-while-revalidate'],
      // Longer than a busy machine takes for what does not wait.
      knobs: { ttlMs: 100, dbDelayMs: 400 },
    },
    renewed: {
      says: 'A new price gets into the cache, and nobody waits for it.',
      exercise: exercises.renewed,
      heldBy: ['stale-while-revalidate'],
      knobs: { ttlMs: 100, staleMs: 60_000, dbDelayMs: 200 },
      lines: { 'stale-while-revalidate': 'if (ttlS < 0) fetchBehind(id)' },
    },

    'own-change': {
      says: 'Who changes a price sees the new one on the next look.',
      exercise: exercises.ownChange,
      heldBy: allBut('stale-while-revalidate'),
    },
    'changed-elsewhere': {
      says: 'A price changed at one process is the new one at the other.',
      exercise: exercises.changedElsewhere,
      workers: 2,
      heldBy: ({ variant, traits }) =>
        variant === 'none' ||
        (variant !== 'stale-while-revalidate' && traits.sharedBetweenProcesses),
    },
    'early-reader': {
      says: 'Who looks during a change brings no old price back.',
      exercise: exercises.earlyReader,
      heldBy: allBut('stale-while-revalidate'),
      knobs: { ttlMs: 10_000, dbDelayMs: 500 },
      // First the database, then the cache: the order is what decides.
      lines: {
        'cache-aside':
          'const product = await products.setPrice(id, priceCents)',
        'write-through':
          'const product = await products.setPrice(id, priceCents)',
      },
    },
    'late-reader': {
      says: 'A slow reader never puts an old price over a newer one.',
      exercise: exercises.lateReader,
      heldBy: ['none', 'read-through-stamped'],
      // Half of it is what a busy machine may be late by, on either side.
      knobs: { ttlMs: 10_000, dbDelayMs: 500, flushMs: 50 },
      lines: {
        'cache-aside': 'if (product) await copies.set(key, product, { ttlMs })',
        'read-through-stamped':
          "if (copy?.stamp === stamp) return show(ctx, copy.product, 'hit')",
      },
    },
    'very-late-reader': {
      says: 'Nor does one that takes longer than a copy lives.',
      exercise: exercises.veryLateReader,
      // What waits to be written is looked at before any copy.
      heldBy: ['none', 'read-through-stamped', 'write-behind'],
      knobs: { ttlMs: 200, dbDelayMs: 500, flushMs: 50 },
      lines: {
        'read-through-stamped': 'const life = { ttlMs: ttlMs + 60_000 }',
      },
    },
    'begun-before': {
      says: 'Who asks after a change gets nothing that was begun before it.',
      exercise: exercises.begunBefore,
      heldBy: allBut('read-through-once'),
      knobs: { ttlMs: 10_000, dbDelayMs: 500, flushMs: 50 },
      lines: {
        'read-through-once': 'const begun = loading.get(id)',
        'read-through-stamped':
          'const loadOnce = (id: number, stamp: string) => {',
      },
    },
    'changed-behind': {
      says: 'A price that another program changes is seen at once.',
      exercise: exercises.changedBehind,
      heldBy: ['none'],
    },
    'fresh-again': {
      says: 'No price is served any more once it was in the cache for ttlMs.',
      exercise: exercises.freshAgain,
      heldBy: allBut('stale-while-revalidate'),
      knobs: { ttlMs: 250 },
    },
    'stale-at-most': {
      says: 'After ttlMs and staleMs together every old price is gone.',
      exercise: exercises.staleAtMost,
      heldBy: all,
      knobs: { ttlMs: 150, staleMs: 150 },
    },

    'warm-after-change': {
      says: 'The next look after a change needs no database.',
      exercise: exercises.lookAfterChange,
      heldBy: ['write-through', 'write-behind'],
    },
    'ten-changes': {
      says: 'Ten changes of what is in the cache need no database.',
      exercise: exercises.tenChanges,
      heldBy: ['write-behind'],
    },
    'in-the-database': {
      says: 'What was acknowledged gets into the database.',
      exercise: exercises.inTheDatabase,
      heldBy: all,
      knobs: { ttlMs: 10_000, dbDelayMs: 200, flushMs: 50 },
      lines: {
        'write-behind':
          'if (waiting.get(product.id) === product) waiting.delete(product.id)',
      },
    },
    'change-then-crash': {
      says: 'A change that was acknowledged outlives a crash of the process.',
      exercise: exercises.changeThenCrash,
      heldBy: allBut('write-behind'),
      knobs: { ttlMs: 200, flushMs: 60_000 },
    },

    'missing-twice': {
      says: 'Asking again for what does not exist spares the database.',
      exercise: exercises.missingTwice,
      heldBy: ['read-through-stamped', 'stale-while-revalidate'],
      lines: {
        'read-through-stamped': 'const copy: Copy = { product, stamp }',
        'stale-while-revalidate':
          'const copy: Copy = { product, freshUntilMs }',
      },
    },
    'missing-once': {
      says: 'A scan for ids that do not exist does not reach the database.',
      exercise: exercises.missingOnce,
      attack: true,
      // What nobody has asked for yet, no cache can know.
      heldBy: [],
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
