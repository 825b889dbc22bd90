import ByteText
import Grants
import Provenance

/// How often an administrator does by chance what an agent had advised to somebody.
enum Coincidence: Benchmark {
  static let name = "coincidence"
  static let meaning = """
    Changes of access in made-up weeks of administrators that match an advice they never saw, for
    each such week: advice of the last 1, 8 and 72 hours, matches that are strong. Advice and work
    are drawn from the same forty folders, sixty accounts and eight groups of one site, ten advices
    a day; the same numbers in every run.
    """

  /// A change at a minute of the week.
  private struct Act {
    var minute: Int
    var changes: [ProposedChange]
  }

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let weeks = quick ? 20 : 200
    var numbers = Dice(state: 7)
    var matches = [1: 0, 8: 0, 72: 0]
    var changes = 0
    for _ in 0..<weeks {
      let advice = Self.advice(&numbers)
      for act in Self.work(&numbers) {
        changes += act.changes.count
        for hours in [1, 8, 72] {
          matches[hours, default: 0] += Self.strong(act, advice, hours)
        }
      }
    }
    var figures = [
      Figure(
        name: "changes of access in an admin week", value: Double(changes) / Double(weeks),
        unit: "")
    ]
    for hours in [1, 8, 72] {
      figures.append(
        Figure(
          name: "false matches a week, advice of \(hours) h",
          value: Double(matches[hours] ?? 0) / Double(weeks), unit: ""))
    }
    return figures
  }

  private static func strong(_ act: Act, _ advice: [Act], _ hours: Int) -> Int {
    let now = moment(act.minute)
    var index = AdviceIndex()
    for (number, told) in advice.enumerated()
    where told.minute <= act.minute && told.minute > act.minute - hours * 60 {
      var entry = Advice(
        id: "a-\(number)", agent: "helper", time: moment(told.minute).wall,
        until: Deadline(TimeSpan(seconds: 7 * 86_400), after: moment(told.minute)), submittedBy: 0,
        text: "")
      entry.changes = told.changes
      index.add(entry)
    }
    return act.changes.filter { change in
      var grant = Grant(
        id: "g-aaaaaa", incident: "i-aaaa", host: "h", kind: change.kind, subject: change.subject,
        object: change.object, right: change.right, at: now)
      grant.items = [GrantItem(object: change.object, before: nil, after: nil)]
      return index.best(for: grant, at: now)?.confidence == .strong
    }.count
  }

  private static func moment(_ minute: Int) -> Moment {
    Moment(
      wall: Timestamp(microseconds: 1_795_341_600_000_000) + TimeSpan(seconds: Int64(minute) * 60),
      up: Int64(minute) * 60_000_000, boot: "b")
  }

  private static func advice(_ numbers: inout Dice) -> [Act] {
    (0..<70).map { _ in
      let text = "To solve it run `sudo \(change(&numbers, wide: true))` and try again."
      return Act(minute: numbers.below(7 * 1440), changes: ChangeGrammar.changes(inText: text))
    }.sorted { $0.minute < $1.minute }
  }

  /// Five working days of sudo lines, most of them about services, packages and logs.
  private static func work(_ numbers: inout Dice) -> [Act] {
    (0..<200).map { _ in
      let minute = numbers.below(5) * 1440 + 480 + numbers.below(540)
      let line: String
      switch numbers.below(20) {
      case 0, 1: line = change(&numbers, wide: false)
      case 2...6: line = "systemctl restart app\(numbers.below(40))"
      case 7...9: line = "apt-get install -y pkg\(numbers.below(90))"
      case 10...13: line = "journalctl -u app\(numbers.below(40)) -n 100"
      case 14: line = "tar czf /var/backups/d.tgz /srv/d\(numbers.below(40))"
      case 15: line = "chmod 640 /srv/d\(numbers.below(40))/app.conf"
      case 16: line = "chown -R root:root /srv/d\(numbers.below(40))"
      default: line = "less /var/log/syslog"
      }
      return Act(minute: minute, changes: ChangeGrammar.changes(inCommand: "sudo " + line))
    }.filter { !$0.changes.isEmpty }
  }

  private static func change(_ numbers: inout Dice, wide: Bool) -> String {
    let user = "u\(numbers.below(60))"
    let folder = "/srv/d\(numbers.below(40))"
    let group = ["docker", "adm", "sudo", "www-data", "dev", "ops", "backup", "audio"]
    switch numbers.below(10) {
    case 0, 1: return "usermod -aG \(group[numbers.below(8)]) \(user)"
    case 2: return "gpasswd -a \(user) \(group[numbers.below(8)])"
    case 3, 4: return "chmod -R \(wide ? "777" : "755") \(folder)"
    case 5: return "chmod \(wide ? "a+rw" : "g+w") \(folder)/in"
    case 6, 7: return "chown -R \(user):\(group[numbers.below(8)]) \(folder)"
    case 8: return "setfacl -R -m u:\(user):rwX \(folder)"
    default: return "useradd -m -s /bin/bash \(user)"
    }
  }

  /// Numbers that are the same in every run (splitmix64).
  private struct Dice {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return Int((z ^ (z >> 31)) % UInt64(limit))
    }
  }
}
