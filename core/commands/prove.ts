// `seesaw prove`
import { SeesawError } from '../errors.ts'
import { loadConfig } from '../load.ts'
import { isAsDeclared, type Proof, prove, type Verdict } from '../prove.ts'
import { bad, bold, endProgress, faint, good, plain, print, progress } from './terminal.ts'
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
  if (options.json) print(JSON.stringify(proof, null, 2))
  else show(proof)
  process.exitCode = proof.ok ? 0 : 1
  // What was named and is not here was asked for; `all` asks for whatever there is.
  if (proof.skipped.length > 0 && !all && proof.ok)
    throw new SeesawError('BACKEND_UNAVAILABLE', proof.skipped[0]?.reason ?? '')
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

const show = ({ ok, verdicts, skipped }: Proof): void => {
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
      (ok ? good('Every claim came out as declared.') : bad('Not as declared.')),
  )
}
