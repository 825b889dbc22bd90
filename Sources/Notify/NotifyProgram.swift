import Control
import Dispatch
import Glibc
import Grants
import LinuxKit

/// grantwatch-notify(8) from its arguments to its end; returns the exit status.
package func runNotify(_ arguments: [String]) -> Int32 {
  let options: NotifyOptions
  do throws(NotifyOptions.UsageError) {
    options = try NotifyOptions(Array(arguments.dropFirst()))
  } catch {
    say(error.description)
    return 2
  }
  switch options.action {
  case .help:
    print(NotifyOptions.help)
    return 0
  case .version:
    print("grantwatch-notify \(Version.text)")
    return 0
  case .run:
    // Codes pass through it; what runs as the same account is to learn none.
    ThisProcess.hideMemory()
    guard let configuration = load(options.configurationFile) else { return 1 }
    deliver(configuration, options, arguments)
  }
}

private func say(_ text: String) {
  let line = Array("grantwatch-notify: \(text)\n".utf8)
  try? StandardStream.error.write(line[...])
}

/// The configuration, its findings told; nil when one of them is an error.
private func load(_ path: String) -> Configuration? {
  let (configuration, findings) = Configuration.load(
    path,
    read: { path in
      do throws(SystemError) {
        return .success(try OwnedFile(path).bytes)
      } catch {
        return .failure(ConfigurationReadFailure(reason: error.reason))
      }
    }, list: { SmallFile.names(in: $0) })
  for finding in findings { say(finding.description) }
  return configuration
}

private func deliver(
  _ configuration: Configuration, _ options: NotifyOptions, _ arguments: [String]
) -> Never {
  let gate = DeliveryGate()
  let surroundings = Surroundings.host(
    credentials: ThisProcess.environment("CREDENTIALS_DIRECTORY"), user: ThisProcess.user,
    log: { say($0) })
  if configuration.webhooks.isEmpty {
    say("no webhook is configured: nothing to deliver until SIGHUP")
  }
  for webhook in configuration.webhooks {
    warn(webhook, surroundings)
    // A serial queue of its own has a thread of its own while its endpoint is served.
    DispatchQueue(label: "endpoint.\(webhook.name)").async {
      Endpoint(
        webhook, outbox: ControlOutbox(path: options.socket), gate: gate,
        surroundings: surroundings
      ).serve()
    }
  }
  let queue = DispatchQueue(label: "signals")
  let sources = [
    onSignal(SIGHUP, queue) {
      guard load(options.configurationFile) != nil else {
        say("the configuration has errors: going on with the old one")
        return
      }
      if !gate.close(waiting: CurlRequest.longestTry + 10) { say("a delivery is left behind") }
      say("beginning anew with the configuration as it is now")
      say("\(ThisProcess.beginAnew(arguments))")
      exit(1)
    },
    onSignal(SIGTERM, queue) { end(gate) }, onSignal(SIGINT, queue) { end(gate) },
  ]
  ServiceNotify.ready(status: "Delivering to \(configuration.webhooks.count) webhooks")
  let pulse = signsOfLife()
  withExtendedLifetime((sources, pulse)) { dispatchMain() }
}

/// Keeps the service manager's watchdog quiet, on a queue that no delivery holds up.
private func signsOfLife() -> (any DispatchSourceTimer)? {
  guard let interval = ServiceNotify.watchdogInterval else { return nil }
  let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "signs of life"))
  timer.schedule(deadline: .now(), repeating: .microseconds(Int(interval)))
  timer.setEventHandler { @Sendable in ServiceNotify.alive() }
  timer.activate()
  return timer
}

/// A delivery that does not end in time is made again at the next start.
private func end(_ gate: DeliveryGate) {
  ServiceNotify.stopping()
  _ = gate.close(waiting: 5)
  exit(0)
}

private func onSignal(
  _ number: Int32, _ queue: DispatchQueue, _ body: @escaping @Sendable () -> Void
) -> any DispatchSourceSignal {
  ThisProcess.leaveToSource(number)
  let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
  source.setEventHandler { @Sendable in body() }
  source.resume()
  return source
}

/// What will not work as it stands, said once at the start.
private func warn(_ webhook: WebhookConfiguration, _ surroundings: Surroundings) {
  guard let file = webhook.secretFile else {
    switch webhook.format {
    case .cloudevents: say("\(webhook.name): no SecretFile=: what is sent is not signed")
    case .pagerduty: say("\(webhook.name): no SecretFile=: PagerDuty needs a routing key")
    case .slack, .teams, .alertmanager: break
    }
    return
  }
  switch webhook.format {
  case .cloudevents, .pagerduty: break
  case .slack, .teams, .alertmanager:
    say("\(webhook.name): SecretFile= is of no use to Format=\(webhook.format.rawValue)")
    return
  }
  do throws(SecretProblem) {
    let secret = try surroundings.secret(file)
    if webhook.format == .cloudevents { _ = try secret.keys(name: file) }
  } catch {
    say("\(webhook.name): \(error.description); nothing is delivered until this is put right")
  }
}
