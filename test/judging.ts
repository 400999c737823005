// What tests of judges share: a request, an answer as a load client has seen it, and the judge of a
// scenario's workload.
import assert from 'node:assert/strict'
import { loadScenario } from '#core/course/find'
import type { Lab } from '#core/lab/lab'
import type { Request, Seen, Workload } from '#core/scenario'
import { requestsFor } from '#core/traffic/workload'

export const workloadOf = async (scenario: string, name: string): Promise<Workload> => {
  const found = (await loadScenario(scenario)).workloads?.[name]
  return found ?? assert.fail(`${scenario} has no workload ${name}`)
}
export const judgeOf = async (scenario: string, name: string) =>
  (await workloadOf(scenario, name)).judge?.() ?? assert.fail(`${name} has no judge`)

export const get = (path: string, headers: Record<string, string> = {}): Request => ({
  method: 'GET',
  path,
  headers,
})

/** An answer that was under way for a millisecond, or for as long as is said. */
export const seen = (
  request: Request,
  status: number,
  body: unknown,
  sentMs = 0,
  doneMs = sentMs + 1,
): Seen => ({
  request,
  status,
  text: typeof body === 'string' ? body : JSON.stringify(body),
  sentMs,
  doneMs,
})

/** Sends `count` requests, ten at a time, and returns how often the judge said what. Fails where it says `wrong`. */
export const judged = async (on: Lab, setup: string, name: string, count: number) => {
  await on.reset(setup)
  const { requests: ready } = await requestsFor(setup, on.url, name)
  const workload = await workloadOf(setup.split('/')[0]!, name)
  const requests = workload.requests(undefined as never)
  const judge = workload.judge?.() ?? assert.fail(`${name} has no judge`)
  const words: Record<string, number> = {}
  let next = 0
  const send = async () => {
    while (next < count) {
      const index = next++ % ready.length
      const { url, method, headers, body } = ready[index]!
      const sentMs = performance.now()
      const answer = await fetch(url, { method, headers, ...(body ? { body } : {}) })
      const text = await answer.text()
      const doneMs = performance.now()
      const { status } = answer
      const word = judge({ request: requests[index]!, status, text, sentMs, doneMs })
      assert.notEqual(word, 'wrong', `${setup}: ${method} ${url} gets ${status} ${text}`)
      words[word] = (words[word] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: 10 }, send))
  return words
}
