// Where the page begins.
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import '@fontsource-variable/source-serif-4/wght.css'
import './css/tokens.css'
import './css/base.css'
import { render } from 'preact'
import { App } from './app.tsx'
import { connect } from './live.ts'

const page = document.getElementById('page') as HTMLElement
page.replaceChildren()
render(<App />, page)
void connect()
