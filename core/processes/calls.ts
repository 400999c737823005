// Calls between a lab and its server processes, over the channel that Node gives to a forked child:
// each side has functions that the other may call by name.
import { asSeesawError, type ErrorCode, SeesawError } from '../errors.ts'

/** One end of the channel: `process` in the child, the ChildProcess in the parent. */
interface Channel {
  send?(message: unknown, callback: (error: Error | null) => void): boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
  once(event: 'exit' | 'disconnect', listener: () => void): unknown
  connected?: boolean
}

// A process may end while it is written to; its exit, which follows, settles the call. Without
// somebody to take it the error would end this process as well.
const ignore = () => {}

type Functions = Record<string, (argument: never) => Promise<unknown>>

interface Question {
  ask: string
  id: number
  argument: unknown
}
interface Reply {
  reply: number
  result?: unknown
  error?: { code: ErrorCode; message: string }
}

/**
 * Lets the other side call `ours` and returns the function that calls theirs. A call rejects with
 * the SeesawError that the other side threw, or with WORKER_FAILED when the channel closes first.
 */
export const connectCalls = <Theirs extends Functions>(channel: Channel, ours: Functions) => {
  const waiting = new Map<number, (reply: Reply) => void>()
  let lastId = 0

  const answer = async ({ ask, id, argument }: Question) => {
    const reply: Reply = { reply: id }
    try {
      reply.result = await ours[ask]?.(argument as never)
    } catch (error) {
      const { code, message, cause } = asSeesawError(error)
      if (code === 'INTERNAL') console.error(cause)
      reply.error = { code, message }
    }
    if (channel.connected) channel.send?.(reply, ignore)
  }

  channel.on('message', (message) => {
    if (typeof message !== 'object' || message === null) return
    if ('ask' in message) void answer(message as Question)
    else if ('reply' in message) waiting.get((message as Reply).reply)?.(message as Reply)
  })
  const gone = () => {
    const error = {
      code: 'WORKER_FAILED',
      message: 'The process ended before it answered.',
    } as const
    for (const [id, settle] of waiting) settle({ reply: id, error })
  }
  channel.once('exit', gone)
  channel.once('disconnect', gone)

  return <Name extends Extract<keyof Theirs, string>>(
    ask: Name,
    argument: Parameters<Theirs[Name]>[0],
  ): Promise<Awaited<ReturnType<Theirs[Name]>>> =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      waiting.set(id, ({ result, error }) => {
        waiting.delete(id)
        if (error) reject(new SeesawError(error.code, error.message))
        else resolve(result as Awaited<ReturnType<Theirs[Name]>>)
      })
      if (channel.connected) channel.send?.({ ask, id, argument }, ignore)
      else gone()
    })
}
