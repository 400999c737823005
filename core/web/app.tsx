// The frame around every screen: where one is, whether the server is there, and the screen itself.
import { effect } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useErrorBoundary } from 'preact/hooks'
import { plain } from '../plain.ts'
import { wordsOf } from './api.ts'
import { Home } from './home/home.tsx'
import { catalogue, connection, entryOf } from './live.ts'
import { Machine } from './machine/machine.tsx'
import { Record } from './record/record.tsx'
import { route } from './route.ts'
import { Link, Trouble } from './ui/parts.tsx'
import { Workbench } from './workbench/workbench.tsx'

export const App = () => (
  <>
    <a class="skip" href="#main">
      Skip to the content
    </a>
    <header class="masthead">
      <Link to="/" class="name">
        <Mark /> Seesaw
      </Link>
      <nav aria-label="Seesaw">
        <Link to="/record" aria-current={route.value.screen === 'record' ? 'page' : undefined}>
          Your calls
        </Link>
        <Link to="/machine" aria-current={route.value.screen === 'machine' ? 'page' : undefined}>
          This machine
        </Link>
      </nav>
    </header>
    <div role="alert">
      {connection.value === 'lost' && (
        <p class="trouble lost">
          <strong>Seesaw does not answer.</strong> Is it running? In its folder:{' '}
          <code>npm start</code>. This page goes on by itself as soon as it does.
        </p>
      )}
    </div>
    <main id="main" tabIndex={-1}>
      <Guard key={route.value.screen + route.value.scenario}>
        <Screen />
      </Guard>
    </main>
  </>
)

const Screen = () => {
  const { screen, scenario } = route.value
  if (screen === 'machine') return <Machine />
  if (screen === 'record') return <Record />
  if (screen === 'home') return <Home />
  if (!catalogue.value)
    return <p class="getting-ready">{connection.value === 'lost' ? '' : 'Getting ready…'}</p>
  const entry = screen === 'scenario' ? entryOf(scenario) : undefined
  if (entry) return <Workbench entry={entry} key={entry.id} />
  const broken = catalogue.value.broken.find(({ id }) => id === scenario)
  return (
    <section class="prose">
      <h1>Nothing here</h1>
      <p>
        {broken
          ? `The scenario ${plain(scenario)} cannot be loaded: ${plain(broken.reason)}`
          : `There is no ${scenario ? `scenario '${plain(scenario)}'` : 'page at this address'}.`}
      </p>
      <p>
        <Link to="/">To the first page</Link>
      </p>
    </section>
  )
}

/** A mistake in one screen is told, and the others go on. */
const Guard = ({ children }: { children: ComponentChildren }) => {
  const [error] = useErrorBoundary(console.error)
  if (error === undefined) return <>{children}</>
  return <Trouble>This part of the page failed: {plain(wordsOf(error))}. Reload it.</Trouble>
}

const Mark = () => (
  <svg class="mark" viewBox="0 0 32 24" aria-hidden="true">
    <path d="M3 16 29 8" />
    <path d="m16 12 5 10H11Z" />
    <circle cx="6" cy="10.5" r="3.4" />
    <rect x="22.6" y="2.1" width="6" height="6" />
  </svg>
)

effect(() => {
  const entry = entryOf(route.value.scenario)
  document.title = entry ? `${plain(entry.question)} · Seesaw` : 'Seesaw'
})
