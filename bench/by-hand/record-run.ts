// Records the duel that a scenario's demo shows, as scenarios/<id>/recorded.json: for when there is no time
// to measure, or no quiet machine. What it says of itself stays as it was measured; only the blocks it
// was made from are left out. Keep the first run that is valid, whatever it says.
//
//   npx tsx bench/by-hand/record-run.ts <setup> <setup> [further options of seesaw bench]
//
// The two are the sides of the demo's step that measures, `show: run`; a test holds the file to them.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Measurement } from '#core/measurement/run'
import { home } from '../../core/course/find.ts'

const [a, b, ...options] = process.argv.slice(2)
if (!a || !b) throw new Error('Which two? npx tsx bench/by-hand/record-run.ts <setup> <setup>')
const folder = mkdtempSync(join(tmpdir(), 'seesaw-record-'))
const file = join(folder, 'run.json')
const words = [a, b, '--preset', 'duel', ...options]
try {
  // A run that cannot be trusted ends with 1, and is told below.
  execFileSync(
    process.execPath,
    [join(home, 'core', 'seesaw.mjs'), 'bench', ...words, '--json', file],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
} catch {}
const measured = JSON.parse(readFileSync(file, 'utf8')) as Measurement
rmSync(folder, { recursive: true })
const answer = measured.verdicts.find(({ exploratory }) => !exploratory)
if (!answer || answer.verdict === 'invalid')
  throw new Error(`Nothing is recorded: ${answer?.sentence ?? 'nothing was measured'}`)
const command = ['npx', 'seesaw', 'bench', ...words].join(' ')
const recorded = { ...measured, command, blocks: [], timelines: [] }
const target = join(home, 'scenarios', measured.plan.scenario, 'recorded.json')
writeFileSync(target, `${JSON.stringify(recorded, null, 1)}\n`)
console.log(`${target}: ${answer.sentence}`)
