// Small things that every screen needs.
import { useSignal } from '@preact/signals'
import type { ButtonHTMLAttributes, ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { go } from '../route.ts'

/** A link to another place of the page; it opens elsewhere when somebody asks for that. */
export const Link = ({
  to,
  ...rest
}: {
  to: string
  class?: string
  id?: string
  title?: string
  tabIndex?: number
  children?: ComponentChildren
  'aria-current'?: 'page' | 'step' | 'true'
  'aria-label'?: string
}) => (
  <a
    {...rest}
    href={to}
    onClick={(event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
      event.preventDefault()
      go(to)
    }}
  />
)

/** A button. `kind`: `main` for the one thing to do next, `quiet` for what is done now and then. */
export const Button = ({
  kind = 'plain',
  class: more = '',
  ...rest
}: { kind?: 'main' | 'plain' | 'quiet'; class?: string } & Omit<
  ButtonHTMLAttributes,
  'class' | 'type'
>) => <button type="button" class={`button ${kind} ${more}`} {...rest} />

const copiedMs = 2_000

/** Copies a text and says that it did; where the browser forbids it, shows the text to copy by hand. */
export const CopyButton = ({
  text,
  label,
  kind = 'quiet',
}: {
  text: string | (() => string)
  label: string
  kind?: 'plain' | 'quiet'
}) => {
  const said = useSignal('')
  const byHand = useSignal('')
  useEffect(() => {
    if (!said.value) return
    const timer = setTimeout(() => {
      said.value = ''
    }, copiedMs)
    return () => clearTimeout(timer)
  }, [said.value])
  const copy = async () => {
    const value = typeof text === 'function' ? text() : text
    try {
      await navigator.clipboard.writeText(value)
      said.value = 'Copied'
      byHand.value = ''
    } catch {
      byHand.value = value
    }
  }
  return (
    <span class="copy">
      <Button kind={kind} onClick={() => void copy()}>
        {said.value || label}
      </Button>
      <span role="status" class="unseen">
        {said.value}
      </span>
      {byHand.value && (
        <input readOnly value={byHand.value} aria-label={`${label}, to be copied`} />
      )}
    </span>
  )
}

/** A choice out of a few, with its label. */
export const Choice = <T extends string>({
  label,
  value,
  options,
  onChoose,
}: {
  label: string
  value: T
  options: readonly { value: T; says: string; disabled?: boolean; why?: string }[]
  onChoose: (value: T) => void
}) => (
  <label class="field">
    <span>{label}</span>
    <select value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value as T)}>
      {options.map((option) => (
        <option
          key={option.value}
          value={option.value}
          disabled={option.disabled ?? false}
          title={option.why}
        >
          {option.says}
        </option>
      ))}
    </select>
  </label>
)

/** Where a number comes from: measured here, recorded elsewhere, or a model's. */
export const Tag = ({
  of: kind,
  children,
}: {
  of: 'measured' | 'recorded' | 'modelled'
  children?: ComponentChildren
}) => (
  <span class={`tag ${kind}`}>
    {kind}
    {children ? <> · {children}</> : null}
  </span>
)

/** What went wrong, where it went wrong. */
export const Trouble = ({ children }: { children: ComponentChildren }) => (
  <p class="trouble" role="alert">
    {children}
  </p>
)

/** A name for a side, by letter, colour and shape. */
export const Side = ({ name }: { name: 'A' | 'B' | 'C' }) => (
  <span class={`side side-${name.toLowerCase()}`}>
    <svg viewBox="0 0 12 12" aria-hidden="true">
      {name === 'A' && <circle cx="6" cy="6" r="5" />}
      {name === 'B' && <rect x="1.5" y="1.5" width="9" height="9" />}
      {name === 'C' && <path d="M6 1 11 10.5H1Z" />}
    </svg>
    {name}
  </span>
)
