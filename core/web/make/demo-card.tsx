// What a demo will show, before it is shown.
import type { Demo } from '../../lesson/routes.ts'
import { plain } from '../../plain.ts'
import { stepPath } from '../present/steps.ts'
import { Link, Trouble } from '../ui/parts.tsx'

export const DemoCard = ({
  scenario,
  demo,
}: {
  scenario: string
  demo?: Demo | { trouble: string } | undefined
}) => {
  if (!demo) return null
  if ('trouble' in demo) return <Trouble>{plain(demo.trouble)}</Trouble>
  const { steps } = demo
  const minutes = Math.round(steps.reduce((sum, { seconds }) => sum + seconds, 0) / 60)
  const [first] = steps
  if (!first) return null
  return (
    <section class="card demo" aria-label="Demo">
      <header>
        <Link class="button main" to={stepPath(scenario, first, 1)}>
          Present
        </Link>
        <p>
          {steps.length} steps, about {minutes} minutes
        </p>
      </header>
      <ol>
        {steps.map((step, index) => (
          <li key={step.title}>
            <Link to={stepPath(scenario, step, index + 1)}>{plain(step.title)}</Link>
          </li>
        ))}
      </ol>
    </section>
  )
}
