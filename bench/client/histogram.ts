// Durations as HDR histograms: whole microseconds from 1 µs to two minutes, three significant digits.
import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js'

const mostUs = 120_000_000

export interface Durations {
  /** Takes milliseconds and keeps whole microseconds; what is longer than two minutes counts as that. */
  add(ms: number): void
  /** In milliseconds; 0 where there is nothing. */
  median(): number
  /** Compressed, in base64. */
  encode(): string
  clear(): void
}

export const createDurations = (): Durations => {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: mostUs,
    numberOfSignificantValueDigits: 3,
    autoResize: false,
  })
  return {
    add: (ms) => histogram.recordValue(Math.min(mostUs, Math.max(0, Math.round(ms * 1000)))),
    median: () => histogram.getValueAtPercentile(50) / 1000,
    encode: () => encodeIntoCompressedBase64(histogram),
    clear: () => histogram.reset(),
  }
}
