// How long `seesaw start` takes until a variant answers, and how much memory control and one server
// process take at rest: at the first start after an install, when tsx compiles every file, and at
// the next, when it finds them in its cache. By hand:
// `npx tsx bench/by-hand/start.ts [--runs 10] [--rest-runs 3] [--rest-ms 30000]`
import { type ChildProcess, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { scenarioIds } from '../../core/course/find.ts'
import { median, table } from './compare.ts'
import { type Seesaw, startSeesaw } from './seesaw.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10' },
    'rest-runs': { type: 'string', default: '3' },
    'rest-ms': { type: 'string', default: '30000' },
  },
})
const runs = Number(values.runs)
const restRuns = Number(values['rest-runs'])
const restMs = Number(values['rest-ms'])

const main = async () => {
  const figures = new Map<string, number[]>()
  const note = (name: string, figure: number) =>
    figures.set(name, [...(figures.get(name) ?? []), figure])

  for (let run = 1; run <= runs; run++) {
    console.error(`start ${run} of ${runs}`)
    const folder = newFolder()
    for (const which of ['first start', 'next start']) {
      const seesaw = await startOne(folder)
      const cpuMs = family(seesaw.child).map(({ pid }) => cpuMsOf(pid))
      note(`${which}: until a variant answers, ms`, seesaw.startMs)
      note(`${which}: CPU time until then, all processes, ms`, sum(cpuMs))
      await seesaw.stop()
    }
    rmSync(folder, { recursive: true })
  }

  const folders = Array.from({ length: restRuns }, newFolder)
  for (const which of ['first start', 'next start']) {
    console.error(`memory after the ${which}, ${restRuns} at once, in ${restMs} ms`)
    const seesaws: Seesaw[] = []
    for (const folder of folders) seesaws.push(await startOne(folder))
    // What starting took is given back only after some seconds without work.
    await sleep(restMs)
    for (const { child } of seesaws) {
      const processes = family(child)
      note(`${which}: memory at rest, all processes, MB`, sum(processes.map(({ mb }) => mb)))
      for (const { name, mb } of processes) note(`${which}: … of which ${name}, MB`, mb)
    }
    for (const seesaw of seesaws) await seesaw.stop()
  }
  for (const folder of folders) rmSync(folder, { recursive: true })

  const rows = [...figures].map(([name, sample]) => [
    name,
    ...[median(sample), Math.min(...sample), Math.max(...sample)].map((x) => x.toFixed(0)),
    String(sample.length),
  ])
  console.log('seesaw start --workers 1')
  console.log(table([['', 'median', 'least', 'most', 'n'], ...rows]))
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'seesaw-bench-'))
const startOne = (folder: string) =>
  startSeesaw(folder, {
    workers: 1,
    path: `/run/${scenarioIds()[0]}/live/`,
    // tsx keeps what it compiled where temporary files are.
    env: { TMPDIR: folder },
  })
const sum = (all: number[]) => all.reduce((total, one) => total + one, 0)

/** A process and all that descend from it, with their resident memory. */
const family = (child: ChildProcess) => {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,args='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, rss, ...args] = line.trim().split(/\s+/)
      const program = args.find((word) => /\.mjs$|esbuild$/.test(word)) ?? args[0] ?? ''
      return { pid: Number(pid), parent: Number(parent), mb: Number(rss) / 1024, program }
    })
  const found = new Set([child.pid])
  for (let before = 0; before < found.size; ) {
    before = found.size
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid)
  }
  return all
    .filter(({ pid }) => found.has(pid))
    .map(({ pid, mb, program }) => ({ pid, mb, name: basename(program) }))
}

/** User and system time, which Linux keeps in hundredths of a second; elsewhere not known. */
const cpuMsOf = (pid: number): number => {
  try {
    const [, , ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) | /)
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return Number.NaN
  }
}

await main()
