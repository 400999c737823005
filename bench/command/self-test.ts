// `seesaw bench --self-test`: the harness proves itself.
import { interruption } from '../run/interruption.ts'
import { print } from './forms.ts'
import { type BenchOptions, jsonFile, refuseUnused } from './options.ts'
import { takeOurTurn } from './session.ts'
import { endLine, line, talkToPerson } from './talk.ts'

export const proveHarness = async (targets: string[], options: BenchOptions): Promise<void> => {
  refuseUnused('selfTest', options, targets)
  const { quick = false } = options
  const json = jsonFile(options)
  const { selfTest } = await import('../self-test/self-test.ts')
  const interrupted = interruption()
  process.stderr.write(
    quick
      ? 'The short way: about ten minutes. Without --quick every trial is run, which takes hours.\n'
      : `All trials take hours; ${json ? `what is done is kept in ${json}` : 'name a file by --json to have them in pieces'}.\n`,
  )
  const turn = await takeOurTurn(interrupted, talkToPerson)
  try {
    const summaries = await selfTest({
      quick,
      ...(json === undefined ? {} : { file: json }),
      signal: interrupted,
      onProgress: line,
    })
    endLine()
    for (const { says, done, of, good, ok, figures, facts } of summaries) {
      if (of === 0) continue
      const mark = done < of ? '…' : ok ? '✓' : '✗'
      const seen = Object.entries(figures).map(
        ([name, value]) => `${name} ${Number(value.toPrecision(3))}`,
      )
      print(`${mark} ${says}: ${good} of ${done}${done < of ? `, ${of - done} not run` : ''}`)
      const held = Object.entries(facts).map(([fact, count]) => `${fact} ${count} of ${done}`)
      if (seen.length > 0) print(`    medians: ${seen.join(', ')}`)
      if (held.length > 0) print(`    ${held.join(', ')}`)
    }
    const proved = summaries.every(({ ok, of }) => ok || of === 0)
    process.exitCode = interrupted.aborted ? 130 : proved ? 0 : 1
  } finally {
    turn.release()
  }
}
