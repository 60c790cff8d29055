// The sign-in page: nobody is signed in at this browser, so the device forgets the attendees (docs/check-in-desk.md).

import { forget } from './store'

void forget()
  .then(() => document.documentElement.setAttribute('data-forgotten', ''))
  .catch(error => console.warn(error))
