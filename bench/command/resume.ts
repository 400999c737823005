// What may go on by `--resume`, and what may not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Measurement } from '#core/measurement/run'
import { home } from '../../core/course/find.ts'
import { SeesawError } from '../../core/errors.ts'
import { thisMachine } from '../run/machine.ts'
import type { BenchOptions } from './options.ts'

export const seesawVersion = (): string =>
  (JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string }).version

/** What to throw where `all` of what is in the file is there: `6 blocks are there`. */
export const isFinished = (file: string, all: string): SeesawError =>
  new SeesawError(
    'WRONG_USE',
    `${file} is finished: all ${all}. To measure anew leave --resume out.`,
  )

/** Parts of two machines, or of two versions, are no parts of one measurement. Throws WRONG_USE. */
export const refuseToMix = ({ machine, seesaw }: Pick<Measurement, 'machine' | 'seesaw'>): void => {
  const inWords = ({ cpu, cores, node }: ReturnType<typeof thisMachine>) =>
    `${cpu}, ${cores} cores, Node ${node}`
  const [then, now] = [inWords(machine), inWords(thisMachine())]
  if (then !== now)
    throw new SeesawError(
      'WRONG_USE',
      `It was begun on another machine (${then}; this is ${now}): go on there, or leave --resume out.`,
    )
  if (seesaw !== seesawVersion())
    throw new SeesawError(
      'WRONG_USE',
      `It was begun by Seesaw ${seesaw}, and this is ${seesawVersion()}: go on with that one, or leave --resume out.`,
    )
}

/** The line that goes on with what is in a file, from the same folders. */
export const goOnLine =
  ({ scenarios, data }: Pick<BenchOptions, 'scenarios' | 'data'>) =>
  (file: string): string =>
    [
      `npx seesaw bench --resume ${file}`,
      ...(scenarios === undefined ? [] : [`--scenarios ${scenarios}`]),
      ...(data === undefined ? [] : [`--data ${data}`]),
    ].join(' ')
