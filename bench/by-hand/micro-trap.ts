// Why functions are not compared within one process: two functions that are the same to the letter,
// each pair in a fresh process, as tinybench's own ± would have it; and the same two as `seesaw bench
// micro noise` compares them. Every claim of a difference is false. By hand:
// `npx tsx bench/by-hand/micro-trap.ts [--runs 20]`.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Bench } from 'tinybench'
import { randomOf } from '../micro/harness/comparison.ts'
import { runMicro } from '../micro/harness/run.ts'
import noise from '../micro/noise.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '20' }, pair: { type: 'string' } },
})
type Name = keyof typeof noise.variants
const twins: [Name, Name][] = [
  ['same', 'same-again'],
  ['objects', 'objects-again'],
]

interface Figure {
  mean: number
  moe: number
}

/** What tinybench says of both in this process, with its own settings. */
const inOneProcess = async (names: [Name, Name]): Promise<Figure[]> => {
  const bench = new Bench()
  for (const name of names) {
    const random = randomOf(Math.floor(Math.random() * 2 ** 31))
    const { inputs, call } = await noise.variants[name].open({ random, folder: '' })
    const kept: unknown[] = []
    let next = 0
    bench.add(name, () => {
      kept[next & 63] = call(inputs[next++ & 63] as never)
    })
  }
  return (await bench.run()).map(({ result }) => {
    if (result.state !== 'completed') throw new Error('It did not complete.')
    const { mean, moe } = result.latency
    return { mean, moe }
  })
}

const main = async (runs: number) => {
  const file = fileURLToPath(import.meta.url)
  for (const [i, names] of twins.entries()) {
    const pairs = Array.from({ length: runs }, () => {
      const words = ['--import', 'tsx', file, '--pair', `${i}`]
      const [a, b] = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' }))
      return { a: a as Figure, b: b as Figure }
    })
    const apart = pairs.filter(({ a, b }) => Math.abs(a.mean - b.mean) > a.moe + b.moe)
    console.log(
      `${names[0]}: tinybench's ± in one process is apart in ${apart.length} of ${runs}; ` +
        sizesOf(pairs.map(({ a, b }) => b.mean / a.mean)),
    )

    const ratios: number[] = []
    let claims = 0
    for (let seed = 1; seed <= runs; seed++) {
      const options = { variants: names, seed, seesaw: '', command: '' }
      const [verdict] = (await runMicro('noise', options)).verdicts
      console.error(`${seed}: ${verdict?.sentence}`)
      if (verdict?.verdict === 'slower' || verdict?.verdict === 'faster') claims++
      ratios.push(verdict?.ratio ?? 1)
    }
    console.log(
      `${names[0]}: in processes of their own a difference is claimed in ${claims} of ${runs}; ` +
        sizesOf(ratios),
    )
  }
}

const sizesOf = (ratios: number[]): string => {
  const sizes = ratios.map((ratio) => Math.abs(ratio - 1)).sort((x, y) => x - y)
  const [middle = 0, most = 0] = [sizes[sizes.length >> 1], sizes.at(-1)]
  return `${(middle * 100).toFixed(2)} % off (median), ${(most * 100).toFixed(2)} % at most.`
}

if (values.pair === undefined) await main(Number(values.runs))
else console.log(JSON.stringify(await inOneProcess(twins[Number(values.pair)] as [Name, Name])))
