// What to do to put a variant or a scenario of one's own beside these.
import type { CatalogueEntry } from '../../course/catalogue.ts'
import { plain } from '../../plain.ts'
import { tabPath } from '../route.ts'
import { CopyButton, Link } from '../ui/parts.tsx'

export const MakeYourOwn = ({ entry }: { entry: CatalogueEntry }) => {
  const id = plain(entry.id)
  const first = plain(entry.variants[0]?.id ?? '')
  return (
    <>
      <h2 id="part-make-your-own" tabIndex={-1}>
        Make your own
      </h2>
      <p>
        To try an idea, <Link to={tabPath(entry.id, 'modify')}>edit a variant in the page</Link>: it
        runs beside the others and overwrites none of them. To keep it, give it a file. A scenario
        is one folder, and nothing else is touched.
      </p>
      <h3>Another answer to this question</h3>
      <ol>
        <li>
          Copy the variant that comes nearest.
          <Command
            text={`cp scenarios/${id}/variants/${first}.ts scenarios/${id}/variants/my-own.ts`}
          />
        </li>
        <li>
          Name it in <code>scenarios/{id}/scenario.ts</code>, among <code>variants</code>, and say
          in each claim whether it keeps it: <code>heldBy</code>. A misspelt name does not compile.
          <Command text="npm run check:types" />
        </li>
        <li>
          Find out whether you were right.
          <Command text={`npx seesaw prove ${id}/my-own`} />
        </li>
        <li>
          And what it costs, beside the first one.
          <Command text={`npx seesaw bench ${id} --variants ${first},my-own`} />
        </li>
      </ol>
      <h3>Another question</h3>
      <ol>
        <li>
          Copy a folder that is like it; what lies in it is all there is to it.
          <Command text={`cp -r scenarios/${id} scenarios/my-question`} />
        </li>
        <li>
          Write the question and two answers. Begin with the claim that tells them apart: a sentence
          one could bet on, and an exercise that finds out.
        </li>
        <li>
          See it run, and prove every claim on every backend of this machine.
          <Command text="npx seesaw prove my-question --backends all" />
        </li>
        <li>
          Write the lesson, a <code>README.md</code>, with a demo in it. All that is asked of a
          folder stands in <code>docs/add-a-scenario.md</code>, and one command holds you to it.
          <Command text="npm run check && npm test" />
        </li>
      </ol>
    </>
  )
}

const Command = ({ text }: { text: string }) => (
  <div class="listing">
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard, too */}
    <pre tabIndex={0}>
      <code>{text}</code>
    </pre>
    <CopyButton label="Copy" text={text} />
  </div>
)
