package import ByteText
import Dispatch
import LinuxKit

/// What an endpoint needs of the host: clocks, chance, secrets and curl; tests put others in place.
package struct Surroundings: Sendable {
  package var wall: @Sendable () -> Timestamp
  /// CLOCK_BOOTTIME in microseconds.
  package var up: @Sendable () -> Int64
  /// Chance, from 0 up to 1.
  package var fraction: @Sendable () -> Double
  package var sleep: @Sendable (TimeSpan) -> Void
  package var secret: @Sendable (String) throws(SecretProblem) -> WebhookSecret
  /// Runs curl with this configuration on its standard input.
  package var curl: @Sendable ([UInt8]) -> CurlResult
  /// Takes one line for people.
  package var log: @Sendable (String) -> Void

  package init(
    wall: @escaping @Sendable () -> Timestamp, up: @escaping @Sendable () -> Int64,
    fraction: @escaping @Sendable () -> Double, sleep: @escaping @Sendable (TimeSpan) -> Void,
    secret: @escaping @Sendable (String) throws(SecretProblem) -> WebhookSecret,
    curl: @escaping @Sendable ([UInt8]) -> CurlResult, log: @escaping @Sendable (String) -> Void
  ) {
    self.wall = wall
    self.up = up
    self.fraction = fraction
    self.sleep = sleep
    self.secret = secret
    self.curl = curl
    self.log = log
  }

  /// The host's own. `credentials` is `$CREDENTIALS_DIRECTORY`, `user` the uid of this process.
  package static func host(
    credentials: String?, user: UInt32, log: @escaping @Sendable (String) -> Void
  ) -> Surroundings {
    Surroundings(
      wall: { Timestamp(microseconds: SystemClock.wall()) }, up: { SystemClock.up() },
      fraction: { Double.random(in: 0..<1) },
      sleep: { span in
        let never = DispatchSemaphore(value: 0)
        _ = never.wait(timeout: .now() + .microseconds(Int(max(0, span.microseconds))))
      },
      secret: { (file) throws(SecretProblem) in
        try WebhookSecret(file: file, credentials: credentials, user: user)
      },
      curl: { configuration in
        CurlResult(
          Spawn.runAndWait(
            "/usr/bin/curl", CurlRequest.arguments, input: configuration, outputLimit: 4096,
            timeout: Int64(CurlRequest.longestTry + 5) * 1_000_000))
      },
      log: log)
  }
}
