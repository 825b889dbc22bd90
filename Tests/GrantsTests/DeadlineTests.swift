import ByteText
import Grants
import Testing

@Suite struct DeadlineTests {
  private func moment(wall: Int64, up: Int64, boot: String = "a") -> Moment {
    Moment(
      wall: Timestamp(microseconds: wall * 1_000_000), up: up * 1_000_000, boot: boot)
  }

  @Test("Setting the clock within one boot changes nothing")
  func clockStep() {
    let deadline = Deadline(TimeSpan(seconds: 900), after: moment(wall: 1000, up: 10))
    let later = moment(wall: -50_000, up: 20)
    #expect(deadline.carried(to: later, mark: nil).left(at: later) == TimeSpan(seconds: 890))
  }

  @Test("After a reboot the smaller of wall time left and time left at the last mark counts")
  func reboot() {
    let deadline = Deadline(TimeSpan(seconds: 900), after: moment(wall: 1000, up: 10))
    let mark = moment(wall: 1100, up: 110)
    let honest = moment(wall: 1300, up: 5, boot: "b")
    #expect(
      deadline.carried(to: honest, mark: mark).left(at: honest) == TimeSpan(seconds: 600))
    let setBack = moment(wall: 500, up: 5, boot: "b")
    #expect(
      deadline.carried(to: setBack, mark: mark).left(at: setBack) == TimeSpan(seconds: 800))
  }
}
