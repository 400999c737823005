// What the scripted clients have in common: how a file is sent, followed and
// counted.
import { randomUUID } from 'node:crypto'
import type { Answer, Client, Hands } from '#core/scenario'
import { header } from './ledger.ts'

export const newAccount = () => `a-${randomUUID().slice(0, 8)}`

/** A file with so many bookings of one cent, all on the same account. */
export const fileFor = (account: string, rows = 1) =>
  [header, ...Array.from({ length: rows }, () => `${account},1`)].join('\n')

export const submit = (
  me: Client,
  csv: string,
  key?: string,
): Promise<Answer> =>
  me.post('/imports', { csv }, key ? { 'idempotency-key': key } : {})

export const isAccepted = ({ status }: Answer) =>
  status === 201 || status === 202

/** What is known of an import. One that was done before the answer is done. */
export const look = async (me: Client, sent: Answer) => {
  const address = sent.headers.get('location')
  if (sent.status === 201 || !address)
    return { ...sent, state: 'done', attempts: undefined }
  const answer = await me.get(`/${address}`)
  const state: string = answer.status === 404 ? 'unknown' : answer.json?.state
  const attempts = answer.json?.attempts as number | undefined
  return { ...answer, state, attempts }
}

/** Waits until an import has ended and returns its state; '' if it does not. */
export const ended = (
  hands: Hands,
  me: Client,
  sent: Answer,
  withinMs?: number,
): Promise<string> =>
  until(
    hands,
    async () => {
      const { state } = await look(me, sent)
      return state === 'waiting' || state === 'running' ? '' : state
    },
    withinMs,
  )

/** Asks again and again until there is a word, and gives up with ''. */
export const until = async (
  hands: Hands,
  ask: () => Promise<string>,
  withinMs = 8000,
): Promise<string> => {
  const untilMs = Date.now() + withinMs
  for (;;) {
    const word = await ask()
    if (word || Date.now() > untilMs) return word
    await hands.waitMs(20)
  }
}

export const bookingsOf = async (me: Client, account: string) =>
  Number((await me.get(`/accounts/${account}`)).json?.bookings)

/** The first request mounts the setup, which takes its time. */
export const warmUp = (me: Client) => me.get('/ping')

export const times = (count: number) =>
  count === 1 ? 'once' : `${count} times`

export const told = ({ status, json }: Answer) =>
  `${status}${json?.title ? ` ${json.title}` : ''}`
