export const Record = () => <h1>Record</h1>
