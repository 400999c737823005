// What the scenario's lesson suggests to change.
import type { Block } from '../../lesson/blocks.ts'
import type { Lesson } from '../../lesson/routes.ts'
import { plain } from '../../plain.ts'
import { useAnswer } from '../investigate/use-answer.ts'
import { Blocks } from '../make/blocks.tsx'
import type { Pair } from '../pair.ts'
import { tabPath } from '../route.ts'
import { Button, Link } from '../ui/parts.tsx'
import type { Work } from './work.ts'

const mostIdeas = 3

/** What the scenario's lesson suggests to change. */
export const Ideas = ({ pair: { entry }, work }: { pair: Pair; work: Work }) => {
  const { answer } = useAnswer<Lesson>(`/api/lesson/${encodeURIComponent(entry.id)}`)
  const ideas = ideasIn(answer?.blocks ?? [])
  if (ideas.length === 0) return null
  return (
    <section class="card" aria-labelledby="mine-ideas">
      <h2 id="mine-ideas">Ideas</h2>
      <ul class="ideas">
        {ideas.slice(0, mostIdeas).map((idea, i) => {
          const codes = idea.flatMap((block) => (block.is === 'paragraph' ? block.of : []))
          const named = codes
            .flatMap((word) => (word.is === 'code' ? word.text : []))
            .map((text) => entry.variants.find(({ id }) => id === text))
            .find((variant) => variant && variant.id !== 'mine')
          return (
            <li key={i}>
              <Blocks blocks={idea} entry={entry} />
              {named && named.id !== work.basedOn.value && (
                <Button kind="quiet" onClick={() => work.choose(named.id)}>
                  Begin with {plain(named.title)}
                </Button>
              )}
            </li>
          )
        })}
      </ul>
      {ideas.length > mostIdeas && (
        <Link to={tabPath(entry.id, 'make', { part: changeSomething })}>More in the lesson</Link>
      )}
    </section>
  )
}

const changeSomething = 'change-something'

/** The items of the list under "Change something". */
const ideasIn = (blocks: readonly Block[]): Block[][] => {
  const at = blocks.findIndex((block) => block.is === 'heading' && block.id === changeSomething)
  const list = at < 0 ? undefined : blocks.slice(at).find((block) => block.is === 'list')
  return list?.is === 'list' ? list.items : []
}
