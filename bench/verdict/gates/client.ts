// Gates: the load client was not the bottleneck, by its processor and by its event loop.
import type { Gate, Measurement, Slot } from '#core/measurement/run'
import { percentiles } from '../series.ts'
import { sum, type ValueIn, worst } from './slots.ts'
import { percent } from './words.ts'

export const clientCpu = (measurement: Measurement, load: Slot['load']): Gate =>
  clientGate('client-cpu', measurement, load, 'it used', 'of a core', (slots) => {
    const ms = sum(slots, ({ seconds }) => seconds) * 1000
    return ms === 0 ? null : sum(slots, ({ cpuMs }) => cpuMs.client) / ms
  })

export const clientLoop = (measurement: Measurement, load: Slot['load']): Gate =>
  clientGate(
    'client-loop',
    measurement,
    load,
    'its event loop was busy',
    'of the time',
    (slots) => {
      const seconds = sum(slots, (slot) => slot.seconds)
      return seconds === 0 ? null : sum(slots, (slot) => slot.busy.client * slot.seconds) / seconds
    },
  )

/** A client near its limits measures itself. */
const clientGate = (
  gate: string,
  measurement: Measurement,
  load: Slot['load'],
  doing: string,
  of: string,
  valueIn: ValueIn,
): Gate => {
  const { where, value } = worst(measurement, load, valueIn)
  const ok = value === null || value <= 0.7
  const says = `(${doing} ${percent(value)} ${of}, 70 % is allowed)`
  return {
    gate,
    where,
    value,
    limit: 0.7,
    unit: 'share',
    ok,
    says: ok
      ? `The load client had time to spare ${says}.`
      : load === 'open'
        ? `The load client was saturated ${says}.`
        : `The load client was the bottleneck ${says}.`,
    spoils: load === 'open' ? [...percentiles] : ['throughput'],
  }
}
