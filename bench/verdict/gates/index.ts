// What makes a measurement worth looking at. A run that fails a gate is invalid, wholly or in the
// metrics that the gate is about, and says which. A gate asks whether the harness could measure,
// never whether the result is welcome; nothing is dropped for being slow. The bare server takes no
// part in verdicts, so no gate looks at it but as a yardstick.
import type { Gate, Measurement } from '#core/measurement/run'
import { answers } from './answers.ts'
import { balance } from './balance.ts'
import { ceiling } from './ceiling.ts'
import { claims } from './claims.ts'
import { clientCpu, clientLoop } from './client.ts'
import { counted } from './counted.ts'
import { errors } from './errors.ts'
import { lags } from './lag.ts'
import { littlesLaw } from './littles-law.ts'
import { rate } from './rate.ts'
import { loadsOf } from './slots.ts'
import { standIns } from './stand-in.ts'
import { steady } from './steady.ts'
import { steals } from './steal.ts'

/** Every gate that applies to the measurement, from what was measured alone. */
export const gatesOf = (measurement: Measurement): Gate[] => [
  claims(measurement),
  standIns(measurement),
  ...loadsOf(measurement).flatMap((load) => [
    ...(load === 'open' ? [rate(measurement), ...lags(measurement)] : []),
    clientCpu(measurement, load),
    clientLoop(measurement, load),
    // A duel has no bare server: whether the client was the bottleneck its own figures say.
    ...(measurement.plan.luck === undefined ? [ceiling(measurement, load)] : []),
    ...(load === 'closed' ? [littlesLaw(measurement)] : []),
    steady(measurement, load),
  ]),
  balance(measurement),
  counted(measurement),
  errors(measurement),
  answers(measurement),
  ...steals(measurement),
]

/** Whether a failed gate means that the client could send no faster: then its rate is a lower limit. */
export const limitsClient = ({ gate }: Gate): boolean =>
  gate === 'client-cpu' || gate === 'client-loop' || gate === 'ceiling'
