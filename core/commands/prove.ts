// `seesaw prove`

import { loadConfig } from '../course/find.ts'
import { SeesawError } from '../errors.ts'
import { plain } from '../plain.ts'
import { isAsDeclared, type Proof, prove, type Verdict } from '../proof/prove.ts'
import { bad, bold, endProgress, faint, good, print, progress } from './terminal.ts'
import { printTranscript } from './transcript.ts'

interface Options {
  backends?: string[]
  claims?: string[]
  workers?: number
  json?: boolean
  progress?: 'json'
}

export const proveTargets = async (targets: string[], options: Options): Promise<void> => {
  const { connections } = await loadConfig()
  const all = options.backends?.length === 1 && options.backends[0] === 'all'
  const interrupted = new AbortController()
  const stop = () => {
    endProgress()
    if (interrupted.signal.aborted) process.exit(130)
    process.stderr.write(
      'Stopping after the exercises that are under way; Ctrl-C again to leave now.\n',
    )
    interrupted.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)

  const proof = await prove({
    targets,
    ...(options.backends ? { backends: all ? 'all' : options.backends } : {}),
    ...(options.claims ? { claims: options.claims } : {}),
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    lab: { urls: connections },
    signal: interrupted.signal,
    onVerdict: (verdict, done, of) => {
      if (options.progress === 'json') process.stderr.write(`${asLine(verdict, done, of)}\n`)
      else progress(`${done}/${of} ${oneLine(verdict)}`)
    },
  })
  endProgress()
  const { signal } = interrupted
  if (options.json) print(JSON.stringify(proof, null, 2))
  else show(proof, signal.aborted)
  process.exitCode = proof.ok ? 0 : 1
  const nothing = proof.verdicts.length === 0 && !signal.aborted
  // What was named and is not here was asked for; `all` asks for whatever there is.
  const [skipped] = proof.skipped
  if (skipped && (nothing || (proof.ok && !all)))
    throw new SeesawError('BACKEND_UNAVAILABLE', skipped.reason)
  if (nothing)
    throw new SeesawError(
      'WRONG_USE',
      targets.length > 0
        ? `Nothing was proved: ${targets.join(', ')} has no claims; seesaw list shows what has some.`
        : 'Nothing was proved: no scenario here has claims; docs/add-a-scenario.md says how to add some.',
    )
}

const longestLine = 60_000

/** A verdict as one line of JSON; without its transcript where that would make it too long to read. */
const asLine = (verdict: Verdict, done: number, of: number): string => {
  const { transcript: _, ...decided } = verdict
  const line = JSON.stringify({ type: 'verdict', done, of, verdict })
  return line.length <= longestLine
    ? line
    : JSON.stringify({ type: 'verdict', done, of, verdict: decided })
}

const oneLine = (verdict: Verdict): string => {
  const { setup, claim, declared, ms } = verdict
  const outcome = isAsDeclared(verdict)
    ? verdict.verdict
    : `${verdict.verdict}, declared ${declared}`
  return `${setup} ${claim}: ${outcome} (${ms} ms)`
}

const show = (proof: Proof, interrupted: boolean): void => {
  const { verdicts, skipped } = proof
  let setup = ''
  for (const verdict of verdicts) {
    if (verdict.setup !== setup) print(`\n${bold(verdict.setup)}`)
    setup = verdict.setup
    const mark = isAsDeclared(verdict) ? good('✓') : bad('✗')
    print(`  ${mark} ${verdict.verdict.padEnd(7)} ${verdict.says}`)
    print(faint(`            ${plain(verdict.because)}`))
    if (verdict.transcript) {
      print(bad(`            declared: ${verdict.declared}. What happened on ${verdict.ran}:`))
      printTranscript(verdict.transcript, '            ')
    }
  }
  for (const { setup, reason } of skipped) print(`\n${bold(setup)} skipped: ${reason}`)
  const wrong = verdicts.filter((verdict) => !isAsDeclared(verdict)).length
  print(
    `\n${verdicts.length} verdicts, ${wrong} not as declared, ${skipped.length} setups skipped. ` +
      inShort(proof, interrupted),
  )
}

const inShort = ({ ok, verdicts, skipped }: Proof, interrupted: boolean): string => {
  if (!verdicts.every(isAsDeclared)) return bad('Not as declared.')
  if (verdicts.length === 0) return bad(`Nothing was proved. ${whyNothing(skipped, interrupted)}`)
  if (!ok) return bad('Ended early. The claims that were proved came out as declared.')
  return skipped.length > 0
    ? good('Every claim that could be proved came out as declared.')
    : good('Every claim came out as declared.')
}

const whyNothing = (skipped: Proof['skipped'], interrupted: boolean): string => {
  if (interrupted) return 'You ended it before the first verdict. Start it again.'
  return skipped.length > 0
    ? 'No setup can run here. seesaw doctor shows what would change that.'
    : 'There are no claims. seesaw list shows which scenarios have some.'
}
