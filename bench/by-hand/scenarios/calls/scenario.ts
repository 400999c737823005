// Handlers that do nothing but call adapters, none to four times per request, so that what the lab
// adds to a request stands out as much as it ever can.
import type { loadScenario } from '../../../../core/course/find.ts'

type AnyScenario = Awaited<ReturnType<typeof loadScenario>>
type AnyVariant = AnyScenario['variants'][string]

const titles = { title: 'Calls', idea: 'Calls its adapters and answers.' }
const lives = { ttlMs: 60_000 }
const increment = (count = 0) => ({ state: count + 1, result: count + 1 })

const variants: Record<string, AnyVariant> = {
  'no-call': {
    ...titles,
    needs: [],
    mount(router) {
      router.get('/', (ctx) => {
        ctx.body = { hello: 'world' }
      })
    },
  },
  'one-call': {
    ...titles,
    needs: ['limiter'],
    mount(router, { limiter }) {
      router.get('/', async (ctx) => {
        ctx.body = { visits: await limiter.update('visits', increment, lives) }
      })
    },
  },
  'two-calls': {
    ...titles,
    needs: ['cache', 'limiter'],
    mount(router, { cache, limiter }) {
      router.get('/', async (ctx) => {
        const visits = await limiter.update('visits', increment, lives)
        ctx.body = { visits, cached: (await cache.get('answer')) ?? null }
      })
    },
  },
  'three-calls': {
    ...titles,
    needs: ['cache', 'session', 'limiter'],
    mount(router, { cache, session, limiter }) {
      router.get('/', async (ctx) => {
        const visits = await limiter.update('visits', increment, lives)
        const signedIn = (await session.get('nobody')) !== undefined
        ctx.body = { visits, signedIn, cached: (await cache.get('answer')) ?? null }
      })
    },
  },
  'four-calls': {
    ...titles,
    needs: ['cache', 'session', 'limiter'],
    mount(router, { cache, session, limiter }) {
      router.get('/', async (ctx) => {
        const visits = await limiter.update('visits', increment, lives)
        const signedIn = (await session.get('nobody')) !== undefined
        await cache.set('answer', visits)
        ctx.body = { visits, signedIn, cached: (await cache.get('answer')) ?? null }
      })
    },
  },
}

export default {
  title: 'Calls',
  question: 'What does the lab cost?',
  chapter: 'design',
  primary: 'cpu',
  variants,
  claims: {},
} satisfies AnyScenario
