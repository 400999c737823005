// What a measurement says while it runs: to a person, or as one JSON object per line.
import type { Progress } from '#core/measurement/events'

export const talkJson = (event: Progress): void => {
  process.stderr.write(`${JSON.stringify(event)}\n`)
}

let phase = ''
/** One line that is written over on a terminal; elsewhere a line per phase and block. */
export const talkToPerson = (event: Progress): void => {
  if (event.type === 'queued')
    line(
      `Waiting: another measurement is under way (${event.behind}). Two at once would measure each other.`,
    )
  else if (event.type === 'phase') {
    phase = `${event.phase}: ${event.says}`
    if (process.stderr.isTTY || event.phase !== 'proving') line(phase)
  } else if (event.type === 'slice' && process.stderr.isTTY)
    line(
      `${phase} · ${event.contender} ${event.load} ${Math.round(event.answered / event.seconds)}/s, median ${event.p50Ms.toFixed(2)} ms`,
    )
  else if (event.type === 'block') {
    const width =
      event.halfWidth === null ? '' : `, half-width so far ±${(event.halfWidth * 100).toFixed(1)} %`
    line(`${event.done} of ${event.of} blocks${width}, ${inMinutes(event.secondsLeft)} left`)
  }
}

/** On a terminal in the place of the line before. */
export const line = (text: string): void => {
  const width = process.stderr.columns ?? 80
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text.slice(0, width - 1)}` : `${text}\n`)
}
export const endLine = (): void => {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

/** `80 s`, `5.5 min` */
export const inMinutes = (seconds: number): string =>
  seconds < 100 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`
