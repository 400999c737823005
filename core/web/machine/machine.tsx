export const Machine = () => <h1>Machine</h1>
