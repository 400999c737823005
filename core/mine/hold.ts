// Commands of a terminal that name a learner's own variant, or the data folder in which it is kept.
import { join, resolve } from 'node:path'
import { dataFolderOf } from '../config.ts'
import { loadConfig } from '../course/find.ts'
import { holdStill, mine } from '../course/mine.ts'

/**
 * Lets this process, and those that it starts, meet what a learner has made, as it is now: whoever
 * saves another version meanwhile does not change what is being proved or measured. Without `data`
 * and without a target such as `rate-limits/mine` a terminal meets the repository and nothing else.
 */
export const holdMine = async (targets: readonly string[], data?: string): Promise<void> => {
  const given = process.env.SEESAW_MINE
  if (given?.startsWith('{')) return
  const isNamed = targets.some((target) => new RegExp(`^[^/]+/${mine}(?![^@~])`).test(target))
  if (!given && data === undefined && !isNamed) return
  const inFolder = (folder: string) => holdStill(join(folder, mine))
  if (data !== undefined) process.env.SEESAW_MINE = inFolder(resolve(data))
  else
    process.env.SEESAW_MINE = given ? holdStill(given) : inFolder(dataFolderOf(await loadConfig()))
}
