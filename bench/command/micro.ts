// `seesaw bench micro`: functions against each other, without HTTP.
import { randomInt } from 'node:crypto'
import type { MicroMeasurement, MicroPlan } from '#core/measurement/micro'
import { SeesawError } from '../../core/errors.ts'
import { listMicro, planMicro, runMicro } from '../micro/harness/run.ts'
import { microToHtml, microToMarkdown, microToTerminal, readMicro } from '../report/micro.ts'
import { type Forms, print } from './forms.ts'
import { type BenchOptions, refuseOtherLine, refuseUnused } from './options.ts'
import { isFinished, refuseToMix, seesawVersion } from './resume.ts'
import { fileOf, runSession } from './session.ts'
import { endLine, inMinutes, talkToPerson } from './talk.ts'

/** Without a name, what there is to compare, or what `--resume` names. */
export const micro = async (name: string | undefined, options: BenchOptions): Promise<void> => {
  const { resume } = options
  refuseUnused('micro', options)
  fileOf(options)
  const earlier = resume === undefined ? undefined : readUnfinished(resume)
  const functions = earlier?.plan.name ?? name
  if (earlier)
    refuseOtherLine(
      earlier,
      commandLine(name ?? earlier.plan.name, options, earlier.seed),
      options,
      name === undefined ? [] : [name],
    )
  if (functions === undefined) {
    for (const one of await listMicro())
      print(`${one.name}  ${one.question}\n  ${one.variants.join(', ')}`)
    return
  }
  const { variants, preset, blocks } = earlier ? askedOf(earlier) : options
  const asked = {
    ...(variants && { variants }),
    ...(preset && { preset }),
    ...(blocks !== undefined && { blocks }),
    seed: earlier?.seed ?? options.seed ?? randomInt(2 ** 31),
  }
  // Said now, and not when it is our turn.
  const plan = await planMicro(functions, asked)
  await runSession<MicroMeasurement>(
    {
      earlier,
      ownFile: ({ seed }) => `seesaw-micro-${functions}-${seed}.json`,
      partOf: ({ blocks, plan }) =>
        blocks.length > 0 ? `${blocks.length} of ${plan.blocks} blocks` : '',
      measure: (around) =>
        runMicro(functions, {
          ...asked,
          seesaw: seesawVersion(),
          command: commandLine(functions, options, asked.seed),
          ...(earlier ? { resume: earlier } : {}),
          ...around,
        }),
      forms: formsOfFunctions,
      isSpoiled: ({ verdicts }) => verdicts.some(({ verdict }) => verdict === 'invalid'),
      talk(event) {
        if (event.type !== 'plan') return talkToPerson(event)
        // How long a call takes nobody knows before each has been tried.
        endLine()
        process.stderr.write(`${summaryOf(plan, event.seconds)}\n`)
      },
    },
    options,
  )
}

export const formsOfFunctions = (measurement: MicroMeasurement): Forms => ({
  html: () => microToHtml(measurement),
  md: () => microToMarkdown(measurement),
  text: (look) => microToTerminal(measurement, look),
})

const summaryOf = (
  { question, contenders, blocks, preset, seed }: MicroPlan,
  seconds: number,
): string =>
  `${question}\n` +
  contenders.map(({ name, title, variant }) => `  ${name}  ${title} (${variant})`).join('\n') +
  `\n${blocks} blocks, ${preset}, seed ${seed}; about ${inMinutes(seconds)}.`

/** What a comparison of functions that goes on was asked for. */
const askedOf = ({ plan }: MicroMeasurement) => ({
  variants: plan.contenders.map(({ variant }) => variant),
  preset: plan.preset,
  blocks: plan.blocks,
})

const readUnfinished = (file: string): MicroMeasurement => {
  const earlier = readMicro(file)
  if (!earlier) throw new SeesawError('WRONG_USE', `${file} is no comparison of functions.`)
  if (earlier.finishedAt !== null) throw isFinished(file, `${earlier.plan.blocks} blocks are there`)
  refuseToMix(earlier)
  return earlier
}

/** The line that does the same again, its seed included. */
const commandLine = (
  name: string,
  { variants, preset = 'quick', blocks }: Pick<BenchOptions, 'variants' | 'preset' | 'blocks'>,
  seed: number,
): string =>
  [
    `npx seesaw bench micro ${name} --preset ${preset} --seed ${seed}`,
    ...(variants ? [`--variants ${variants}`] : []),
    ...(blocks === undefined ? [] : [`--blocks ${blocks}`]),
  ].join(' ')
