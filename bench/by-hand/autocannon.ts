// Plain autocannon in a process of its own, so that it holds nobody up: forked with an address and a
// number of connections, it fires until it gets a message, and answers with what came back.
import autocannon from 'autocannon'

const [, , url = '', connections = ''] = process.argv
const shot = autocannon(
  { url, connections: Number(connections), duration: 3600 },
  (_, { statusCodeStats, errors }) => {
    process.send?.({ statusCodeStats, errors } satisfies Shot, () => process.exit())
  },
)
process.on('message', () => shot.stop())
process.on('disconnect', () => process.exit())
// Whoever started it may be gone before it listens.
if (!process.connected) process.exit()

export interface Shot {
  /** How many answers there were, by status. */
  statusCodeStats: Record<string, { count?: number }> | undefined
  /** Requests without an answer, be it that the connection broke or that it took 10 s. */
  errors: number
}
