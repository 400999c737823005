// Setup ids: what they say, and what is said about those that make no sense.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Choices, parseSetup, resolveSetup, setupsOf } from '#core/course/setup'
import type { ErrorCode } from '#core/errors'
import { SeesawError } from '#core/errors'
import { type Kind, kinds } from '#core/kinds'
import { type AnyScenario, defineScenario, defineVariant } from '#core/scenario'

const knob = (initial: number, min: number, max: number) =>
  ({ says: 'how many', default: initial, min, max, unit: 'count' }) as const
const mount = () => {}

const variants = {
  plain: defineVariant({ title: '', idea: '', needs: [], mount }),
  single: defineVariant({
    title: '',
    idea: '',
    needs: ['session'],
    knobs: { ttlMs: knob(1000, 50, 9000), offset: knob(0, -10, 10) },
    mount,
  }),
  double: defineVariant({
    title: '',
    idea: '',
    // The other way round than in `kinds`: the canonical order is that of `kinds`.
    needs: ['session', 'cache'],
    knobs: { limit: knob(3, 1, 1000) },
    mount,
  }),
}
const scenario = defineScenario({
  title: '',
  question: '',
  chapter: 'load',
  primary: 'cpu',
  variants,
  claims: {},
}) as unknown as AnyScenario

const backends = ['file', 'memory', 'redis']
const everywhere = Object.fromEntries(kinds.map((kind) => [kind, backends]))
const adapters = { ...everywhere, session: ['memory', 'redis'] } as unknown as Choices['adapters']

const resolve = (text: string, defaults: Choices['defaults'] = {}) =>
  resolveSetup(parseSetup(text), scenario, { adapters, defaults })
const idOf = (text: string, defaults?: Choices['defaults']) => resolve(text, defaults).id

/** A setup with everything chosen, and the many ways to spell it. */
const anySetup = fc
  .constantFrom(...(Object.keys(variants) as (keyof typeof variants)[]))
  .chain((variant) => {
    const { needs, knobs = {} } = variants[variant] as { needs: readonly Kind[]; knobs?: object }
    const chosen = fc.record(
      Object.fromEntries(needs.map((kind) => [kind, fc.constantFrom(...adapters[kind])])),
    )
    const turned = fc.record(
      Object.fromEntries(
        Object.entries(knobs as Record<string, { min: number; max: number }>).map(
          ([name, { min, max }]) => [name, fc.integer({ min, max })],
        ),
      ),
    )
    return fc.record({ variant: fc.constant(variant), backends: chosen, knobs: turned })
  })

const pairs = (all: object) =>
  Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')

describe('a setup id', () => {
  it('means the same after it was made canonical', () => {
    fc.assert(
      fc.property(anySetup, fc.boolean(), ({ variant, backends, knobs }, backwards) => {
        const order = (all: object) =>
          backwards ? Object.fromEntries(Object.entries(all).reverse()) : all
        const mark = (sign: string, all: object) =>
          Object.keys(all).length > 0 ? `${sign}${pairs(order(all))}` : ''
        const setup = resolve(`s/${variant}${mark('@', backends)}${mark('~', knobs)}`)
        // Where defaults differ meanwhile, a canonical id still means the same.
        const again = resolve(setup.id, { session: 'redis', cache: 'file' })
        assert.deepEqual(again, setup)
        assert.deepEqual({ ...setup.backends }, { ...backends })
        assert.deepEqual({ ...setup.knobs }, { ...knobs })
      }),
    )
  })

  it('is refused by a code, or resolved, whatever the text', () => {
    const near = fc
      .array(
        fc.constantFrom('s', '/', 'single', 'plain', '@', '~', '=', ',', 'redis', 'ttlMs', '50'),
      )
      .map((words) => words.join(''))
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), near), (text) => {
        try {
          assert.equal(idOf(idOf(text)), idOf(text))
        } catch (error) {
          assert(error instanceof SeesawError, `${text}: ${error}`)
        }
      }),
      { numRuns: 1000 },
    )
  })

  for (const [text, canonical] of Object.entries({
    s: 's/plain',
    's/plain@redis': 's/plain',
    's/single': 's/single@memory',
    's/single@session=redis': 's/single@redis',
    's/single~offset=5,ttlMs=70': 's/single@memory~ttlMs=70,offset=5',
    's/single~ttlMs=0070': 's/single@memory~ttlMs=70',
    's/single~offset=-3': 's/single@memory~offset=-3',
    's/single~ttlMs=1000': 's/single@memory',
    's/single~offset=-0': 's/single@memory',
    's/double@redis': 's/double@redis',
    's/double@session=redis,cache=file': 's/double@cache=file,session=redis',
    's/double@cache=redis,session=redis': 's/double@redis',
    's/double@cache=redis': 's/double@cache=redis,session=memory',
  }))
    it(`${text} is ${canonical}`, () => assert.equal(idOf(text), canonical))

  it('takes the default of a kind that it does not name', () => {
    assert.equal(idOf('s/double', { session: 'redis' }), 's/double@cache=memory,session=redis')
    assert.equal(
      idOf('s/double@cache=file', { cache: 'redis', session: 'redis' }),
      's/double@cache=file,session=redis',
    )
    assert.equal(idOf('s/double@memory', { session: 'redis' }), 's/double@memory')
  })

  const refused: [string, ErrorCode, RegExp][] = [
    ['', 'SETUP_MALFORMED', /'' is no setup\. One looks like /],
    ['s/', 'SETUP_MALFORMED', /no setup/],
    ['s/single@', 'SETUP_MALFORMED', /no setup/],
    ['s/single@redis@redis', 'SETUP_MALFORMED', /no setup/],
    ['s/single~ttlMs=1~ttlMs=2', 'SETUP_MALFORMED', /no setup/],
    ['s/single~ttlMs=60,ttlMs=60', 'SETUP_MALFORMED', /no setup/],
    ['s/single~ttlMs', 'SETUP_MALFORMED', /no setup/],
    ['s/single~=5', 'SETUP_MALFORMED', /no setup/],
    ['s/single~ttlMs=5=5', 'SETUP_MALFORMED', /no setup/],
    ['s/single~ttlMs=60,', 'SETUP_MALFORMED', /no setup/],
    ['s/sin gle', 'SETUP_MALFORMED', /no setup/],
    ['s/single/more', 'SETUP_MALFORMED', /no setup/],
    ['s/singel', 'VARIANT_NOT_FOUND', /No variant of s 'singel'\. Did you mean 'single'\?/],
    ['s/constructor', 'VARIANT_NOT_FOUND', /There are: plain, single, double\./],
    ['s/__proto__', 'VARIANT_NOT_FOUND', /There are/],
    ['s/single@reddis', 'BACKEND_NOT_FOUND', /No backend 'reddis'\. Did you mean 'redis'\?/],
    ['s/plain@reddis', 'BACKEND_NOT_FOUND', /Did you mean 'redis'/],
    ['s/single@session=__proto__', 'BACKEND_NOT_FOUND', /There are/],
    ['s/single@file', 'ADAPTER_NOT_FOUND', /No session adapter 'file'\. .*memory, redis/],
    ['s/single@cache=redis', 'KIND_NOT_NEEDED', /No kind that s\/single needs 'cache'/],
    ['s/double@sesion=redis', 'KIND_NOT_NEEDED', /Did you mean 'session'\?/],
    ['s@session=redis', 'KIND_NOT_NEEDED', /No kind that s\/plain needs 'session'.* none/],
    ['s/single@__proto__=redis', 'KIND_NOT_NEEDED', /There are: session/],
    ['s/single~tlMs=60', 'KNOB_NOT_FOUND', /No knob of s\/single 'tlMs'\. Did you mean 'ttlMs'/],
    ['s~ttlMs=60', 'KNOB_NOT_FOUND', /No knob of s\/plain 'ttlMs'.* none/],
    ['s/single~toString=1', 'KNOB_NOT_FOUND', /There are: ttlMs, offset/],
    ['s/single~ttlMs=49', 'KNOB_OUT_OF_RANGE', /ttlMs=49: how many is .* from 50 to 9000 count/],
    ['s/single~ttlMs=9001', 'KNOB_OUT_OF_RANGE', /from 50 to 9000/],
    ['s/single~ttlMs=60.5', 'KNOB_OUT_OF_RANGE', /whole number/],
    ['s/single~ttlMs=6e1', 'KNOB_OUT_OF_RANGE', /whole number/],
    ['s/single~ttlMs=0x60', 'KNOB_OUT_OF_RANGE', /whole number/],
    ['s/single~ttlMs=٦٠', 'KNOB_OUT_OF_RANGE', /whole number/],
    [`s/single~ttlMs=${'9'.repeat(400)}`, 'KNOB_OUT_OF_RANGE', /whole number/],
    ['s/single\0', 'VARIANT_NOT_FOUND', /Did you mean 'single'/],
    ['s/\ud800', 'VARIANT_NOT_FOUND', /There are/],
    [`s/${'x'.repeat(10_000)}`, 'VARIANT_NOT_FOUND', /^No variant of s 'x{100}…'/],
    [`s/${'@'.repeat(10_000)}`, 'SETUP_MALFORMED', /no setup/],
  ]
  for (const [text, code, message] of refused)
    it(`${JSON.stringify(text.slice(0, 30))} is refused as ${code}`, () => {
      assert.throws(
        () => resolve(text),
        (error) =>
          error instanceof SeesawError &&
          error.code === code &&
          message.test(error.message) &&
          error.message.length < 600,
      )
    })
})

describe('the setups of a scenario', () => {
  const ids = setupsOf('s', scenario, adapters).map(({ id }) => id)

  it('name each variant on each backend that can keep something for it', () => {
    assert.deepEqual(
      ids.filter((id) => !id.startsWith('s/double')),
      ['s/plain', 's/single@memory', 's/single@redis'],
    )
    assert(ids.includes('s/double@redis') && ids.includes('s/double@memory'))
  })

  it('are canonical, and each there once', () => {
    for (const id of ids) assert.equal(idOf(id), id)
    assert.equal(new Set(ids).size, ids.length)
  })
})
