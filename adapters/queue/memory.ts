// A queue in this process: a job is a promise that nobody waits for. It is as fast as anything can
// be, and what is not done when the process ends is lost.
import { randomUUID } from 'node:crypto'
import { defineAdapter } from '#core/adapter'
import type { JobReport, JobState, Work, WorkOptions } from '#core/kinds'
import {
  attempt,
  backoffAfter,
  ended,
  longestTimerMs,
  payloadOf,
  reasonOf,
  spelledName,
} from '../connections/jobs.ts'
import { asGiven } from '../connections/shared.ts'

interface Job {
  id: string
  name: string
  key: string | undefined
  json: string
  state: JobState
  attempts: number
  resultJson?: string
  error?: string
}

interface Worker {
  work: Work
  options: WorkOptions
}

/** Of the jobs that have ended, so many are remembered. */
const mostEnded = 100_000

export default defineAdapter<'queue'>({
  traits: { sharedBetweenProcesses: false, survivesRestart: false },

  open: async () => {
    const jobs = new Map<string, Job>()
    const idsByKey = new Map<string, string>()
    const counts: Record<JobState, number> = { waiting: 0, running: 0, done: 0, failed: 0 }
    // In the order in which they ended.
    const over = { done: new Set<Job>(), failed: new Set<Job>() }
    // Those whose time has come, by name.
    const due = new Map<string, Set<Job>>()
    const workers = new Map<string, Worker>()
    const running = new Map<string, Set<Promise<void>>>()
    const timers = new Set<NodeJS.Timeout>()
    const schedules = new Map<string, NodeJS.Timeout>()
    let closed = false

    const later = (ms: number, then: () => void) => {
      const timer = setTimeout(
        () => {
          timers.delete(timer)
          then()
        },
        Math.min(ms, longestTimerMs),
      )
      timers.add(timer)
    }

    const enter = (job: Job, state: JobState) => {
      counts[job.state]--
      counts[state]++
      job.state = state
    }

    const end = (job: Job, state: 'done' | 'failed') => {
      enter(job, state)
      over[state].add(job)
      if (over[state].size > mostEnded) forget(over[state].values().next().value as Job)
    }

    const forget = (job: Job) => {
      over[job.state as 'done' | 'failed'].delete(job)
      counts[job.state]--
      jobs.delete(job.id)
      if (job.key !== undefined) idsByKey.delete(job.key)
    }

    const offer = (job: Job) => {
      setFor(due, job.name).add(job)
      take(job.name)
    }

    const take = (name: string) => {
      const worker = workers.get(name)
      const atWork = setFor(running, name)
      for (const job of setFor(due, name)) {
        if (!worker || closed || atWork.size >= worker.options.concurrency) return
        setFor(due, name).delete(job)
        enter(job, 'running')
        const going = run(job, worker).then(() => {
          atWork.delete(going)
          take(name)
        })
        atWork.add(going)
      }
    }

    const run = async (job: Job, { work, options }: Worker) => {
      job.attempts++
      try {
        // The one who adds a job goes on first.
        await new Promise(setImmediate)
        const { id, json, attempts } = job
        job.resultJson = await attempt(work, { id, json, attempt: attempts }, options.withinMs)
        if (jobs.has(id)) end(job, 'done')
      } catch (error) {
        job.error = reasonOf(error)
        if (!jobs.has(job.id)) return
        const delayMs = backoffAfter(job.attempts, options)
        if (delayMs === null) return end(job, 'failed')
        enter(job, 'waiting')
        if (!closed) later(delayMs, () => offer(job))
      }
    }

    const add = (name: string, json: string, delayMs = 0, key?: string): string => {
      const known = key === undefined ? undefined : idsByKey.get(key)
      if (known !== undefined) return known
      const job: Job = { id: randomUUID(), name, key, json, state: 'waiting', attempts: 0 }
      jobs.set(job.id, job)
      counts.waiting++
      if (key !== undefined) idsByKey.set(key, job.id)
      if (delayMs > 0) later(delayMs, () => offer(job))
      else offer(job)
      return job.id
    }

    const clear = () => {
      for (const timer of [...timers, ...schedules.values()]) clearTimeout(timer)
      for (const map of [jobs, idsByKey, due, timers, schedules, over.done, over.failed])
        map.clear()
      Object.assign(counts, { waiting: 0, running: 0, done: 0, failed: 0 })
    }

    return {
      add: async (name, data, { key, delayMs } = {}) =>
        add(
          spelledName(name),
          payloadOf(data),
          delayMs,
          key === undefined ? key : JSON.stringify([name, key]),
        ),

      async process(name, work, options) {
        workers.set(spelledName(name), { work, options })
        take(spelledName(name))
      },

      async schedule(name, data, { everyMs }) {
        const [spelt, json] = [spelledName(name), payloadOf(data)]
        clearInterval(schedules.get(spelt))
        if (closed) return
        schedules.set(
          spelt,
          setInterval(() => add(spelt, json), Math.min(everyMs, longestTimerMs)),
        )
      },

      async find(id) {
        const job = jobs.get(id)
        return job && reportOf(job)
      },
      counts: async () => ({ ...counts }),
      failed: async () => [...over.failed].slice(-100).reverse().map(reportOf),

      clear: async () => clear(),
      async close() {
        closed = true
        for (const timer of schedules.values()) clearInterval(timer)
        await ended([...running.values()].flatMap((set) => [...set]))
        clear()
      },
    }
  },
})

const setFor = <Value>(map: Map<string, Set<Value>>, name: string): Set<Value> => {
  const known = map.get(name)
  if (known) return known
  const fresh = new Set<Value>()
  map.set(name, fresh)
  return fresh
}

const reportOf = ({ id, name, state, attempts, resultJson, error }: Job): JobReport => ({
  id,
  name: asGiven(name),
  state,
  attempts,
  ...(state === 'done' && resultJson !== undefined && { result: JSON.parse(resultJson) }),
  ...(error !== undefined && { error }),
})
