// What a timeline says in words: how long a server was gone, what visitors met meanwhile, and how
// soon all was well again.

import type { Measurement, Timeline } from '#core/measurement/run'
import { properName } from '../verdict/names.ts'
import { count, duration, number, percent } from './text.ts'

/** One sentence for every time that a server was gone, and one on the load client where it was late. */
export const outagesInWords = (timeline: Timeline): string => {
  const { faults, lagP99Ms = 0 } = timeline
  const sentences = faults.flatMap((fault, i) =>
    fault.do === 'kill'
      ? [
          sentenceOf(
            timeline,
            fault,
            faults.slice(i).find((later) => later.do === 'heal' && later.backend === fault.backend),
          ),
        ]
      : [],
  )
  if (lagP99Ms > mostLagMs)
    sentences.push(
      `The load client itself was late by ${number(lagP99Ms)} ms for one request in a hundred: shorter times say nothing.`,
    )
  return sentences.join(' ')
}

const mostLagMs = 1

/** The same for all of a measurement, each with the name of its contender. */
export const timelinesInWords = ({ timelines, plan }: Measurement): string[] =>
  timelines.map((one) => {
    const { name = '', title = '' } = plan.contenders[one.contender] ?? {}
    return `${name}, ${title}: ${outagesInWords(one)}`
  })

type Fault = Timeline['faults'][number]

const sentenceOf = (
  { buckets, bucketMs, faults, lagP99Ms = 0 }: Timeline,
  kill: Fault,
  heal: Fault | undefined,
): string => {
  const name = properName(kill.backend)
  const endMs = buckets.length * bucketMs
  const backMs = heal?.atMs ?? endMs
  const head = heal
    ? `${name} was gone for ${duration((backMs - kill.atMs) / 1000)}`
    : `${name} was gone from ${duration(kill.atMs / 1000)} on`
  // Those that lie wholly within: at its ends some requests met the server.
  const first = Math.ceil(kill.atMs / bucketMs)
  const meanwhile = buckets.slice(first, Math.max(first + 1, Math.floor(backMs / bucketMs)))
  const sum = (of: 'offered' | 'right' | 'other') =>
    meanwhile.reduce((all, bucket) => all + bucket[of], 0)
  const offered = sum('offered')
  if (offered === 0) return `${head}; no request was due meanwhile.`
  const met =
    sum('other') === 0
      ? `${head}: all of ${count(offered)} requests meanwhile were answered right`
      : `${head}: ${percent(sum('other') / offered)} of ${count(offered)} requests meanwhile were answered wrongly or not at all`
  // Compared with what the machine did anyway, or every hiccup would look like a lesson.
  const [before, then] = [buckets.slice(0, Math.floor(kill.atMs / bucketMs)), meanwhile].map((of) =>
    Math.max(0, ...of.map(({ medianMs }) => medianMs ?? 0)),
  ) as [number, number]
  const waits =
    before > 0 && then >= 2 * Math.max(before, lagP99Ms)
      ? ` In the slowest ${duration(bucketMs / 1000)} of that time half of them waited ${number(then)} ms or more, before it at most ${number(before)} ms.`
      : ''
  if (!heal) return `${met}.${waits}`

  const returned = Math.floor(backMs / bucketMs)
  const again = faults.find(({ do: what, atMs }) => what === 'kill' && atMs > backMs)
  const until = again ? Math.floor(again.atMs / bucketMs) : buckets.length
  const afterwards = buckets.slice(returned, until)
  const within = (i: number) => duration(((returned + i + 1) * bucketMs - backMs) / 1000)
  const firstRight = afterwards.findIndex(({ right }) => right > 0)
  const lastOther = afterwards.findLastIndex(({ other }) => other > 0)
  const recovered =
    lastOther < 0
      ? 'from its return on, all were'
      : lastOther === afterwards.length - 1
        ? `not all were right again within ${duration((afterwards.length * bucketMs) / 1000)}`
        : `from ${within(lastOther)} after its return on, all were right`
  if (sum('other') === 0 && lastOther < 0) return `${met}, as were all after its return.${waits}`
  return sum('right') === 0 && firstRight >= 0
    ? `${met}; the first right answer came within ${within(firstRight)} of its return, and ${recovered}.${waits}`
    : `${met}; ${recovered}.${waits}`
}
