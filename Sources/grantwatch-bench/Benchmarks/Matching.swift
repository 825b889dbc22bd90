import ByteText
import Grants
import Provenance

/// How long it takes to compare one change with the open advice.
enum Matching: Benchmark {
  static let name = "matching"
  static let meaning = """
    The processor time in which one change is compared with 100,000 open advices, of all kinds and many of
    the same folder: at most 1 ms.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let start = Moment(wall: Timestamp(microseconds: 1_795_341_600_000_000), up: 0, boot: "b")
    let later = Moment(wall: start.wall + TimeSpan(seconds: 60), up: 60_000_000, boot: "b")
    var index = AdviceIndex()
    for number in 0..<100_000 {
      var advice = Advice(
        id: "a-\(number)", agent: "helper", time: start.wall,
        until: Deadline(TimeSpan(seconds: 86_400), after: start), submittedBy: 0, text: "")
      let folder = "/srv/d\(number % 1000)"
      let line: String
      switch number % 5 {
      case 0: line = "chmod -R 777 \(folder)/f\(number)"
      case 1: line = "usermod -aG docker u\(number % 5000)"
      case 2: line = "chown -R u\(number) \(folder)"
      case 3: line = "setfacl -R -m u:u\(number):rwx \(folder)"
      default: line = "echo 'u\(number % 300) ALL=(ALL) ALL' > /etc/sudoers.d/u\(number)"
      }
      advice.changes = ChangeGrammar.changes(inCommand: line)
      index.add(advice)
    }
    func grant(_ kind: GrantKind, _ subject: String, _ object: String, _ right: String) -> Grant {
      var grant = Grant(
        id: "g-aaaaaa", incident: "i-aaaa", host: "h", kind: kind, subject: subject,
        object: object, right: right, at: later)
      grant.items = [GrantItem(object: object, before: nil, after: nil)]
      grant.actor.command = "chmod 777 \(object)"
      return grant
    }
    let grants = [
      grant(.fileMode, "everyone", "file:/srv/d5/f5/x/y/z", "read write execute"),
      grant(.groupMember, "user:u1", "group:docker", "member"),
      grant(.fileACL, "user:u99998", "file:/srv/d998/a/b", "read"),
      grant(.sudoRule, "user:u4", "sudoers:/etc/sudoers", "ALL"),
      grant(.fileMode, "everyone", "file:/opt/none", "read"),
    ]
    var times: [Double] = []
    for _ in 0..<(quick ? 40 : 400) {
      for (number, grant) in grants.enumerated() {
        let begin = ProcessorTime.ofThread()
        let match = index.best(for: grant, at: later)
        times.append((ProcessorTime.ofThread() - begin) / 1000)
        guard (match == nil) == (number == 4) else {
          throw BenchError(description: "\(grant.object): \(match == nil ? "no" : "a") match")
        }
      }
    }
    return [
      Figure(
        name: "match of one change, 100,000 advices, median", value: times.quantile(0.5),
        unit: "ms", samples: times.count),
      Figure(
        name: "match of one change, 100,000 advices, p99", value: times.quantile(0.99), unit: "ms",
        limit: 1, samples: times.count),
    ]
  }
}
