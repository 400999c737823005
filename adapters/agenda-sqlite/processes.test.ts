import assert from 'node:assert/strict'
import { openSync, writeSync } from 'node:fs'
import { type JobNotification, type JobStateNotification, toJobId } from 'agenda'
import { job, killed, playground, sleep, until } from './fixtures/playground.ts'

describe('Agenda on SQLite: several processes', () => {
  const here = playground()

  it('three workers run 600 jobs once each, though all three submit 100 of them', async () => {
    const workers = await Promise.all([1, 2, 3].map(() => here.worker()))
    for (const worker of workers) worker.send('submit jobs 0 to 99, unique')
    const { repository } = await here.connected()
    for (let number = 100; number < 600; number++)
      await repository.saveJob(job({ data: { number } }), undefined)
    await until('all have run', () => here.effects().length >= 600)
    await sleep(300)
    const effects = here.effects()
    assert.equal(effects.length, 600)
    assert.equal(new Set(effects.map(({ number }) => number)).size, 600)
    assert.ok(new Set(effects.map(({ pid }) => pid)).size > 1, 'only one worker had any')
  })

  it('jobs of a worker that is killed are run by another: none is lost', async () => {
    const lockLifetimeMs = 1_000
    const { repository } = await here.connected()
    for (let number = 0; number < 60; number++)
      await repository.saveJob(job({ data: { number } }), undefined)
    const first = await here.worker({ jobTakesMs: 50, lockLifetimeMs })
    await until('some have run', () => here.effects().length >= 10)
    await killed(first)
    const inFlight = (await repository.queryJobs({ state: 'running' })).total
    assert.ok(inFlight > 0)
    await here.worker({ jobTakesMs: 50, lockLifetimeMs })
    await until(
      'the rest has run',
      async () => (await repository.queryJobs({ state: 'completed' })).total === 60,
    )
    const effects = here.effects()
    assert.equal(new Set(effects.map(({ number }) => number)).size, 60)
    assert.ok(effects.length - 60 <= inFlight, `${effects.length - 60} doubled`)
  })

  it('every job that was accepted is there after its submitter is killed', async () => {
    const submitter = await here.worker({ submits: true })
    await until('some were accepted', () => here.effects().length >= 100)
    await killed(submitter)
    const { repository } = await here.connected()
    const there = new Set((await repository.queryJobs()).jobs.map(({ _id }) => Number(_id)))
    for (const { number } of here.effects()) assert.ok(there.has(number), `${number} is lost`)
  })

  it('a repeating job that every worker asks for runs once each time', async () => {
    await Promise.all([1, 2].map(() => here.worker({ repeatEvery: 400 })))
    await until('it ran four times', () => here.effects().length >= 4)
    const times = here.effects().map(({ atMs }) => atMs)
    for (const [i, atMs] of times.entries())
      if (i > 0) assert.ok(atMs - (times[i - 1] ?? 0) > 200, `twice within 400 ms: ${times}`)
    const { repository } = await here.connected()
    assert.equal((await repository.queryJobs()).total, 1)
  })

  it('a worker hears at once of a job that a process submits which only submits', async () => {
    await here.worker({ processEveryMs: 60_000 })
    const { repository } = await here.connected()
    await repository.saveJob(job({ data: { number: 7 } }), undefined)
    await until('it ran', () => here.effects().some(({ number }) => number === 7))
  })

  describe('a channel', () => {
    const notification: JobNotification = {
      jobId: toJobId('any id'),
      jobName: 'work',
      nextRunAt: new Date(5),
      priority: 42,
      timestamp: new Date(6),
      source: 'desk',
    }

    const pair = async () => {
      const [a, b] = [await here.connected(), await here.connected()]
      assert.ok(a.notificationChannel && b.notificationChannel)
      return { a: a.notificationChannel, b: b.notificationChannel, repository: a.repository }
    }

    it('carries what was published to the others and to its own subscribers, once', async () => {
      const { a, b } = await pair()
      await Promise.all([a.connect(), b.connect()])
      const heard = { a: [] as unknown[], b: [] as unknown[] }
      a.subscribe((got) => void heard.a.push(got))
      const unsubscribe = b.subscribe((got) => void heard.b.push(got))
      await a.publish(notification)
      await a.publish({ ...notification, nextRunAt: null })
      await until('both heard', () => heard.a.length === 2 && heard.b.length === 2)
      unsubscribe()
      await a.publish(notification)
      await sleep(100)
      assert.deepEqual(heard.b, [notification, { ...notification, nextRunAt: null }])
      assert.equal(heard.a.length, 3)
    })

    it('carries what happens to jobs', async () => {
      const { a, b } = await pair()
      await Promise.all([a.connect(), b.connect()])
      const heard: JobStateNotification[] = []
      b.subscribeState?.((got) => void heard.push(got))
      const state: JobStateNotification = {
        type: 'complete',
        jobId: toJobId('1'),
        jobName: 'work',
        timestamp: new Date(1),
        lastFinishedAt: new Date(2),
        duration: 1,
      }
      await a.publishState?.(state)
      await until('it is heard', () => heard.length > 0)
      assert.deepEqual(heard, [state])
    })

    it('says of a saved job once, though Agenda publishes it too', async () => {
      const { a, b, repository } = await pair()
      await Promise.all([a.connect(), b.connect()])
      const heard: JobNotification[] = []
      b.subscribe((got) => void heard.push(got))
      const saved = await repository.saveJob(job(), undefined)
      await a.publish({ ...notification, jobId: toJobId(String(saved._id)) })
      await sleep(150)
      assert.deepEqual(
        heard.map(({ jobId }) => jobId),
        [saved._id],
      )
    })

    it('tells its state, and refuses to publish while disconnected', async () => {
      const { a } = await pair()
      const states: string[] = []
      const listener = (state: string) => void states.push(state)
      a.on('stateChange', listener)
      assert.equal(a.state, 'disconnected')
      await assert.rejects(a.publish(notification), /not connected/i)
      await a.connect()
      await a.disconnect()
      a.off('stateChange', listener)
      await a.connect()
      assert.deepEqual(states, ['connecting', 'connected', 'disconnected'])
      assert.equal(a.state, 'connected')
    })

    it('is not disturbed by a ring without a message, nor by a handler that throws', async () => {
      const { a, b } = await pair()
      await Promise.all([a.connect(), b.connect()])
      const errors: Error[] = []
      const heard: unknown[] = []
      b.on('error', (error) => void errors.push(error))
      b.subscribe(() => {
        throw new Error('deaf')
      })
      b.subscribe((got) => void heard.push(got))
      writeSync(openSync(here.path('jobs.db-bell'), 'a'), 'x')
      await sleep(50)
      await a.publish(notification)
      await until('the other handler heard', () => heard.length === 1)
      assert.equal(errors[0]?.message, 'deaf')
    })

    it('forgets old messages', async () => {
      const { a, repository } = await pair()
      await a.connect()
      for (let i = 0; i < 1_201; i++) await repository.saveJob(job(), undefined)
      const Database = (await import('libsql')).default
      const db = new Database(here.path())
      const [count] = db.prepare('SELECT count(*) FROM agendaJobsSignals').raw().get([]) as [number]
      db.close()
      assert.ok(count <= 1_101, `${count} messages`)
    })
  })
})
