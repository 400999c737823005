// The one stream of events: who is told, and who is not any more.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHub } from '#core/events'

describe('the stream of events', () => {
  it('does nothing for somebody who has gone before it began', async () => {
    const hub = createHub()
    let asked = 0
    hub.whileFollowed(1, async () => {
      asked++
    })
    const texts: string[] = []
    for await (const text of hub.follow(AbortSignal.abort())) texts.push(text)
    await sleep(50)
    assert.deepEqual([texts, asked], [[], 0])
  })
})
