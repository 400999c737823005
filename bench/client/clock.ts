// One clock for all processes of a measurement.

/** Milliseconds by the machine's monotonic clock, which is the same in every process. */
export const machineNowMs = (): number => {
  const [seconds, ns] = process.hrtime()
  return seconds * 1000 + ns / 1e6
}
