// `seesaw try`
import { loadConfig } from '../course/find.ts'
import { plain } from '../plain.ts'
import { trySetup } from '../proof/try.ts'
import { bad, bold, faint, good, print } from './terminal.ts'
import { printTranscript } from './transcript.ts'

export const tryExercise = async (
  setup: string,
  exercise: string | undefined,
  { json }: { json?: boolean },
): Promise<void> => {
  const { connections } = await loadConfig()
  const trial = await trySetup(setup, exercise, { urls: connections })
  const asDeclared = trial.verdict === trial.declared
  process.exitCode = asDeclared ? 0 : 1
  if (json) return print(JSON.stringify(trial, null, 2))
  print(`${bold(trial.setup)}  ${trial.exercise}`)
  print(`${faint('the claim:')} ${trial.says}\n`)
  printTranscript(trial.conversation)
  const verdict = `${trial.verdict}, ${asDeclared ? 'as declared' : `but declared: ${trial.declared}`}`
  print(
    `\n${(asDeclared ? good : bad)(verdict)}: ${plain(trial.because)}  ${faint(`${trial.ms} ms`)}`,
  )
}
