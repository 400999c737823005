// What makes a measurement worth looking at. A run that fails a gate is invalid, and says which.
import type { Gate, Measurement } from './measurement.ts'

/** Every gate, from what was measured alone. */
export const gatesOf = (_measurement: Measurement): Gate[] => []
