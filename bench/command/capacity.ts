// `seesaw bench capacity`: how much one setup can take.
import { loadConfig } from '../../core/course/find.ts'
import { SeesawError } from '../../core/errors.ts'
import { chooseSubject, estimateCapacitySeconds, measureCapacity } from '../capacity/capacity.ts'
import type { CapacityMeasurement } from '../capacity/measurement.ts'
import {
  capacityToHtml,
  capacityToMarkdown,
  capacityToTerminal,
  readCapacity,
} from '../report/capacity.ts'
import type { Forms } from './forms.ts'
import { type BenchOptions, type HoldMine, refuseOtherLine, refuseUnused } from './options.ts'
import { isFinished, refuseToMix, seesawVersion } from './resume.ts'
import { fileOf, runSession } from './session.ts'
import { inMinutes } from './talk.ts'

/** Without a setup it goes on with what `--resume` names. */
export const capacity = async (
  setup: string | undefined,
  options: BenchOptions,
  holdMine: HoldMine,
): Promise<void> => {
  const { knob, workers, arrivals, seed, seconds, resume } = options
  refuseUnused('capacity', options)
  fileOf(options)
  const earlier = resume === undefined ? undefined : readUnfinished(resume)
  const target = earlier?.setup ?? setup
  if (target === undefined)
    throw new SeesawError('WRONG_USE', 'Name a setup to measure, such as rate-limits/gcra@redis.')
  if (earlier)
    refuseOtherLine(
      earlier,
      `${commandLine(setup ?? target, options)} --seed ${earlier.seed}`,
      options,
      setup === undefined ? [] : [setup],
    )
  await holdMine([target])
  const workload = earlier?.workload ?? options.workload
  const subject = {
    ...(knob && { knobs: knob }),
    ...(workload !== undefined && { workload }),
    ...(options.scenarios === undefined ? {} : { scenariosFolder: options.scenarios }),
  }
  // Said before it waits its turn.
  await chooseSubject(target, subject)
  const hold = seconds === undefined ? {} : { holdMs: seconds * 1000 }
  await runSession<CapacityMeasurement>(
    {
      earlier,
      summary: `How much can ${target} take? About ${inMinutes(estimateCapacitySeconds(hold, earlier))}.`,
      ownFile: ({ scenario, seed }) => `seesaw-capacity-${scenario}-${seed}.json`,
      partOf: ({ holds, rates }) =>
        holds.length > 0 ? `${holds.length} of ${2 * rates.length} holds` : '',
      measure: async (around) =>
        measureCapacity(target, {
          ...subject,
          ...(workers !== undefined && { workers }),
          ...(arrivals && { arrivals }),
          ...(seed !== undefined && { seed }),
          ...hold,
          urls: (await loadConfig()).connections,
          seesaw: seesawVersion(),
          command: commandLine(target, options),
          ...(earlier ? { resume: earlier } : {}),
          ...around,
        }),
      forms: formsOfCapacity,
      isSpoiled: ({ knee }) => knee === null,
    },
    options,
  )
}

export const formsOfCapacity = (measurement: CapacityMeasurement): Forms => ({
  html: () => capacityToHtml(measurement),
  md: () => capacityToMarkdown(measurement),
  text: (look) => capacityToTerminal(measurement, look),
})

const readUnfinished = (file: string): CapacityMeasurement => {
  const earlier = readCapacity(file)
  if (!earlier) throw new SeesawError('WRONG_USE', `${file} is no measurement of a capacity.`)
  if (earlier.finishedAt !== null)
    throw isFinished(file, `${earlier.rates.length} rates were held twice`)
  if (earlier.holds.length > 0 && earlier.heldMs === undefined)
    throw new SeesawError(
      'WRONG_USE',
      `${file} does not say how long each of its rates is held, as files of an older Seesaw do not; so it ` +
        'cannot go on. Leave --resume out to measure anew.',
    )
  refuseToMix(earlier)
  return earlier
}

/** The line that does the same again, but for its seed. */
const commandLine = (
  setup: string,
  options: Pick<BenchOptions, 'knob' | 'workload' | 'workers' | 'arrivals' | 'seconds'>,
): string => {
  const { knob = {}, workload, workers, arrivals, seconds } = options
  const words = Object.entries({ workload, workers, arrivals, seconds }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  )
  const knobs = Object.entries(knob).map(([name, value]) => `--knob ${name}=${value}`)
  return ['npx seesaw bench capacity', setup, ...words, ...knobs].join(' ')
}
