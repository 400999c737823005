// The one stream of events: who is told, and who is not any more.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHub, type Hub } from '#core/http/events'

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

  /** What a reader gets at once; the ids without the name of the start. */
  const readOnce = async (hub: Hub, after?: string) => {
    const leave = new AbortController()
    let text = ''
    // Nothing more comes behind it: the loop would wait for ever.
    setTimeout(() => leave.abort(), 20)
    for await (const piece of hub.follow(leave.signal, after)) text += piece
    const ids = [...text.matchAll(/^id: (.*)$/gm)].map(([, id = '']) => id)
    const types = [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json).type)
    return { ids, types }
  }

  it('gives whoever comes back what came behind the event that was heard last', async () => {
    const hub = createHub()
    for (const type of ['a', 'b', 'c']) hub.publish(type, {})
    assert.deepEqual((await readOnce(hub)).types, [])
    hub.publish('d', {})
    const [start] = (await readOnce(hub, 'another-1')).ids[0]?.split('-') ?? []
    assert.deepEqual((await readOnce(hub, `${start}-2`)).types, ['c', 'd'])
    assert.deepEqual((await readOnce(hub, `${start}-2`)).ids, [`${start}-3`, `${start}-4`])
    assert.deepEqual((await readOnce(hub, `${start}-4`)).types, [])
  })

  it('says that something was missed where it cannot give what it was', async () => {
    const hub = createHub()
    for (let i = 0; i < 300; i++) hub.publish('a', {})
    const { ids } = await readOnce(hub, 'of another start')
    const [start] = ids[0]?.split('-') ?? []
    assert.deepEqual(ids, [`${start}-300`])
    assert.equal((await readOnce(hub, `${start}-100`)).types.length, 200)
    for (const after of [`${start}-99`, `${start}-301`, `${start}-`, 'deadbeef-299', '299'])
      assert.deepEqual(await readOnce(hub, after), { ids, types: ['missed'] }, after)
  })
})
