// The lesson of a scenario, and how to make one's own: the page's only long text, set to be read.
import { useEffect, useState } from 'preact/hooks'
import type { Inline } from '../../lesson/blocks.ts'
import type { Demo, Lesson } from '../../lesson/routes.ts'
import { plain } from '../../plain.ts'
import { api, wordsOf } from '../api.ts'
import type { Pair } from '../pair.ts'
import { route, setQuery } from '../route.ts'
import { Trouble } from '../ui/parts.tsx'
import { Blocks, textOf } from './blocks.tsx'
import { DemoCard } from './demo-card.tsx'
import { MakeYourOwn } from './make-your-own.tsx'
import './make.css'

export const Make = ({ entry }: Pair) => {
  const [lesson, setLesson] = useState<Lesson>()
  const [demo, setDemo] = useState<Demo | { trouble: string }>()
  const [trouble, setTrouble] = useState('')
  const { id } = entry
  useEffect(() => {
    const leaving = new AbortController()
    const { signal } = leaving
    const path = encodeURIComponent(id)
    api.get<Lesson>(`/api/lesson/${path}`, signal).then(setLesson, (error) => {
      if (!signal.aborted) setTrouble(wordsOf(error))
    })
    api.get<Demo>(`/api/demos/${path}`, signal).then(setDemo, (error) => {
      if (!signal.aborted) setDemo({ trouble: wordsOf(error) })
    })
    return () => leaving.abort()
  }, [id])
  const { part } = route.value.query
  useEffect(() => {
    if (lesson && part) document.getElementById(`part-${part}`)?.scrollIntoView()
  }, [lesson, part])

  const blocks = lesson?.blocks ?? []
  const parts = blocks.filter((block) => block.is === 'heading').filter(({ level }) => level === 2)
  return (
    <div class="make">
      <nav class="contents" aria-label="Parts of the lesson">
        <ol>
          {parts.map((one) => (
            <li key={one.id}>
              <PartLink id={one.id} of={one.of} />
            </li>
          ))}
          <li>
            <PartLink id="make-your-own" of={[{ is: 'text', text: 'Make your own' }]} />
          </li>
        </ol>
      </nav>
      <div class="lesson">
        {trouble && <Trouble>{plain(trouble)}</Trouble>}
        {/* The question stands above already. */}
        <Blocks
          blocks={blocks.filter((block) => block.is !== 'heading' || block.level > 1)}
          entry={entry}
          demo={<DemoCard scenario={id} demo={demo} />}
        />
        {lesson && <MakeYourOwn entry={entry} />}
      </div>
    </div>
  )
}

const PartLink = ({ id, of: name }: { id: string; of: Inline[] }) => (
  <a
    href={`#part-${id}`}
    onClick={(event) => {
      event.preventDefault()
      setQuery({ part: id })
      const target = document.getElementById(`part-${id}`)
      target?.scrollIntoView()
      target?.focus({ preventScroll: true })
    }}
  >
    {plain(textOf(name))}
  </a>
)
