// The form in which a request is put together, with those that the variants understand.

import { plain } from '../../plain.ts'
import type { Suggestion } from '../../traffic/send.ts'
import { Button } from '../ui/parts.tsx'
import { fromSuggestion, methods, type Wanted } from './request-wanted.ts'

export const Form = ({
  wanted,
  requests,
  prepares,
  busy,
  onChange,
  onSend,
}: {
  wanted: Wanted
  requests: readonly Suggestion[]
  prepares: boolean
  busy: boolean
  onChange: (change: Partial<Wanted>) => void
  onSend: () => void
}) => {
  const { method, path, headers, body, prepare } = wanted
  const blank = /\/:(\w+)/.exec(path)?.[1]
  return (
    <form
      class="card sender"
      onSubmit={(event) => {
        event.preventDefault()
        onSend()
      }}
    >
      <div class="line-of-fields">
        <label class="field">
          <span>Method</span>
          <select
            value={method}
            onChange={({ currentTarget }) => onChange({ method: currentTarget.value })}
          >
            {methods.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label class="field path">
          <span>Path, within the setup</span>
          <input
            value={path}
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) => onChange({ path: currentTarget.value })}
          />
        </label>
        <button type="submit" class="button main" disabled={busy}>
          Send to both
        </button>
      </div>
      {blank && (
        <p class="hint">
          Put something in the place of <code>:{plain(blank)}</code>.
        </p>
      )}
      <fieldset class="suggestions">
        <legend class="unseen">Requests that the variants understand</legend>
        {requests.map((one) => (
          <Button
            key={`${one.method} ${one.path}`}
            kind="quiet"
            aria-pressed={one.method === method && one.path === path}
            onClick={() => onChange(fromSuggestion(one))}
          >
            <code>
              {plain(one.method)} {plain(one.path)}
            </code>
          </Button>
        ))}
      </fieldset>
      <details open={headers !== '' || body !== '' || !['GET', 'HEAD'].includes(method)}>
        <summary>Headers and body</summary>
        <div class="two-fields">
          <label class="field">
            <span>Headers, one on each line</span>
            <textarea
              rows={4}
              spellcheck={false}
              value={headers}
              placeholder="accept: application/json"
              onInput={({ currentTarget }) => onChange({ headers: currentTarget.value })}
            />
          </label>
          <label class="field">
            <span>Body</span>
            <textarea
              rows={4}
              spellcheck={false}
              value={body}
              placeholder="{}"
              onInput={({ currentTarget }) => onChange({ body: currentTarget.value })}
            />
          </label>
        </div>
      </details>
      {prepares && (
        <label class="check">
          <input
            type="checkbox"
            checked={prepare}
            onChange={({ currentTarget }) => onChange({ prepare: currentTarget.checked })}
          />{' '}
          Sign in first, as the scenario's load does, and show what was given out
        </label>
      )}
    </form>
  )
}
