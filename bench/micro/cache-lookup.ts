// What is between a Map and the same thing behind an interface: a copy by JSON, lifetimes, promises,
// counting, and a table on disk. Each looks up one of a thousand products that are there.
import { loadAdapter } from '../../core/course/find.ts'
import type { Comparison, MicroTools, MicroVariant } from './harness/comparison.ts'
import { ready } from './harness/comparison.ts'

const products = 1000
const namespace = 'micro'

interface Product {
  id: string
  name: string
  priceCents: number
}

const productsOf = ({ random }: MicroTools): Product[] =>
  Array.from({ length: products }, () => ({
    id: `product:${random.text(8)}`,
    name: `Teapot no. ${random.integer(1, products)}`,
    priceCents: random.integer(500, 5500),
  }))

/** Ids in another order than the one in which they were put in, as others would ask for them. */
const visits = ({ random }: MicroTools, all: Product[]): string[] =>
  Array.from({ length: 1024 }, () => all[random.integer(0, all.length - 1)]!.id)

const judge = (all: Product[], find: (id: string) => unknown) => {
  const right = new Map(all.map((product) => [product.id, product]))
  return {
    isRight: (found: Product | undefined, id: string) =>
      found?.id === id && found.priceCents === right.get(id)?.priceCents,
    check: async () =>
      (await find('product:nothing')) === undefined ? undefined : 'it finds what is not there.',
  }
}

const map: MicroVariant = {
  title: 'a Map',
  open(tools: MicroTools) {
    const all = productsOf(tools)
    const copies = new Map(all.map((product) => [product.id, product]))
    const find = (id: string) => copies.get(id)
    return ready({ inputs: visits(tools, all), call: find, ...judge(all, find) })
  },
}

const adapter = (title: string, backend: string, counted: boolean): MicroVariant => ({
  title,
  async open(tools: MicroTools) {
    const all = productsOf(tools)
    const { open } = await loadAdapter('cache', backend)
    const opened = await open({ namespace, folder: tools.folder, url: '', nowMs: Date.now })
    const cache = counted
      ? (await import('../../core/lab/meter.ts')).metered('cache', backend, opened)
      : opened
    for (const product of all) await cache.set(product.id, { ...product }, { ttlMs: 3_600_000 })
    const find = (id: string) => cache.get<{ [Name in keyof Product]: Product[Name] }>(id)
    return ready({
      inputs: visits(tools, all),
      call: find,
      ...judge(all, find),
      close: () => opened.close(),
    })
  },
})

export default {
  question: 'What does it cost to find a value that is in the cache?',
  call: 'look up one value',
  variants: {
    map,
    memory: adapter('the memory adapter', 'memory', false),
    'memory-counted': adapter('the memory adapter, counted', 'memory', true),
    sqlite: adapter('the SQLite adapter', 'sqlite', false),
  },
} satisfies Comparison
