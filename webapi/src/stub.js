// Stands in for meeteasy.js until it has come: keeps calls, and sends the events among them if it never comes.
(function (window, names) {
  if (window.meeteasy) return
  var stub = (window.meeteasy = { q: [] })
  names.forEach(function (name) {
    stub[name] = function () {
      stub.q.push([name, arguments, Date.now()])
    }
  })
  // What has to answer at once says what it says without consent: a form is sent all the same.
  stub.visitorId = stub.fillForm = function () {}
  stub.registrationFields = function () {
    return {}
  }
  stub.createShareLink = function (given) {
    return (given && given.target) || location.href
  }
  stub.flush = stub.share = function () {
    return Promise.resolve(false)
  }
  addEventListener('pagehide', function () {
    var storage = {}
    var options = {}
    var events = []
    var isOut
    try {
      storage = localStorage || storage
    } catch (blocked) {}
    stub.q.forEach(function (call) {
      if (call[0] == 'init') Object.assign(options, call[1][0])
      else if (call[0].slice(0, 3) == 'opt') isOut = call[0] == 'optOut'
    })
    try {
      if (isOut) storage['meeteasy:optout'] = '1'
    } catch (full) {}
    var isPrivate = navigator.globalPrivacyControl && options.respectGpc !== false
    if (window.meeteasy != stub || isPrivate || options.consent || isOut || storage['meeteasy:optout']) return
    stub.q.splice(0).forEach(function (call) {
      var event = { conference_id: options.conferenceId, ts: call[2], type: call[1][0] }
      if (!options.cookieless) event.visitor_id = storage['meeteasy:visitor']
      if (call[0] == 'trackEvent') events.push(Object.assign(event, call[1][1]))
      else if (call[0] == 'trackPageViews') {
        events.push(Object.assign(event, { type: 'page_view', page: location.pathname, url: location.href }))
      } else stub.q.push(call)
    })
    if (events.length) {
      navigator.sendBeacon(
        options.endpoint || '/api/analytics/events',
        JSON.stringify({ events: events, sent_at: Date.now() })
      )
    }
  })
})(window, ['init', 'trackEvent', 'trackPageViews', 'followShares', 'optOut', 'optIn', 'reset', 'prepareWeChat'])
