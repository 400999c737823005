// How long a toggle takes until every server process serves the new choice, while all of them are
// under load, and whether a request is lost meanwhile. The load is plain autocannon. By hand:
// `npx tsx bench/by-hand/toggle.ts [--toggles 50] [--workers 2] [--connections 10]`
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { loopbackFetch } from '../../core/http/loopback-fetch.ts'
import type { Shot } from './autocannon.ts'
import { median, table } from './compare.ts'
import { startSeesaw } from './seesaw.ts'

const { values } = parseArgs({
  options: {
    toggles: { type: 'string', default: '50' },
    workers: { type: 'string', default: '2' },
    connections: { type: 'string', default: '10' },
  },
})
const toggleCount = Number(values.toggles)
const everyMs = 150

/** What is loaded and flipped, and which answers are as they should be. */
const cases = [
  { scenario: 'rate-limits', kind: 'limiter', path: '', expected: ['200', '429'] },
  { scenario: 'session-vs-token', kind: 'session', path: 'me', expected: ['401'] },
]

const main = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'seesaw-bench-'))
  const seesaw = await startSeesaw(folder, {
    workers: Number(values.workers),
    path: '/run/rate-limits/live/',
  })
  const rows = [
    ['', 'toggles', 'median', 'most', 'over HTTP', 'most', 'answers', 'lost', 'backends'],
  ]
  try {
    for (const one of cases) {
      console.error(`${one.scenario}: ${toggleCount} toggles`)
      rows.push(await measure(seesaw, one))
    }
  } finally {
    await seesaw.stop()
    rmSync(folder, { recursive: true })
  }
  console.log(
    `Toggles under load: ${values.workers} server processes, ${values.connections} connections.`,
  )
  console.log(table(rows))
}

const measure = async (
  { url, labUrl }: { url: string; labUrl: string },
  { scenario, kind, path, expected }: (typeof cases)[number],
): Promise<string[]> => {
  const choices = await choicesOf(url, scenario, kind)
  // A backend that was never used has to be found or started first; that is no matter of toggling.
  for (const choice of choices) await toggle(url, scenario, kind, choice)
  const load = startLoad(`${labUrl}/run/${scenario}/live/${path}`)
  await sleep(1_000)
  const inside: number[] = []
  const seen: number[] = []
  for (let i = 0; i < toggleCount; i++) {
    const beganMs = performance.now()
    inside.push(await toggle(url, scenario, kind, choices[i % choices.length]!))
    seen.push(performance.now() - beganMs)
    await sleep(everyMs)
  }
  const { statusCodeStats = {}, errors } = await load.stop()
  const answers = Object.entries(statusCodeStats).map(([status, { count = 0 }]) => {
    return { status, count }
  })
  const lost = answers
    .filter(({ status }) => !expected.includes(status))
    .map(({ status, count }) => `${count} × ${status}`)
  if (errors > 0) lost.push(`${errors} errors`)
  return [
    scenario,
    String(toggleCount),
    ...[median(inside), Math.max(...inside), median(seen), Math.max(...seen)].map(
      (ms) => `${ms.toFixed(1)} ms`,
    ),
    String(answers.reduce((sum, { count }) => sum + count, 0)),
    lost.join(', ') || '0',
    [...new Set(choices.map(({ backend }) => backend))].join(' '),
  ]
}

/** Every variant that needs `kind`, on every backend of it that can be used here, well mixed. */
const choicesOf = async (url: string, scenario: string, kind: string) => {
  const [{ scenarios }, { backends }] = await Promise.all([
    loopbackFetch(`${url}/api/scenarios`).then((answer) => answer.json() as Promise<Catalogue>),
    loopbackFetch(`${url}/api/doctor`).then((answer) => answer.json() as Promise<Doctor>),
  ])
  const { variants, setups } = scenarios.find(({ id }) => id === scenario)!
  const usable = backends
    .filter(({ status }) => status !== 'unavailable')
    .map(({ name }) => name)
    .filter((name) => setups.some((setup) => setup.endsWith(`@${name}`)))
  return variants
    .filter(({ needs }) => needs.includes(kind))
    .flatMap(({ id }) => usable.map((backend) => ({ variant: id, backend })))
    .map((choice, i) => ({ choice, at: (i * 7) % 31 }))
    .sort((a, b) => a.at - b.at)
    .map(({ choice }) => choice)
}

interface Catalogue {
  scenarios: { id: string; setups: string[]; variants: { id: string; needs: string[] }[] }[]
}
interface Doctor {
  backends: { name: string; status: string }[]
}

/** Returns how long it took as control sees it, in milliseconds. */
const toggle = async (
  url: string,
  scenario: string,
  kind: string,
  { variant, backend }: { variant: string; backend: string },
): Promise<number> => {
  const answer = await loopbackFetch(`${url}/api/toggle`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ scenario, variant, backends: { [kind]: backend } }),
  })
  const { ms, setup, detail } = (await answer.json()) as {
    ms: number
    setup?: string
    detail?: string
  }
  if (!setup?.startsWith(`${scenario}/${variant}@`)) throw new Error(detail ?? `${setup} is live.`)
  return ms
}

const startLoad = (url: string) => {
  const file = join(import.meta.dirname, 'autocannon.ts')
  const child = fork(file, [url, `${values.connections}`], { execArgv: ['--import', 'tsx'] })
  return {
    async stop(): Promise<Shot> {
      child.send('stop')
      const [shot] = await once(child, 'message')
      return shot
    },
  }
}

await main()
