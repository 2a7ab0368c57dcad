// Keys go to the blind test while one is under way, and else to the clip that was touched last.

let byKeyboard = false; // whether the focus was moved by Tab: then Space and Enter belong to what has it
document.addEventListener("pointerdown", () => (byKeyboard = false), true);
document.addEventListener("keydown", (event) => {
  if (event.key === "Tab") byKeyboard = true;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target } = event;
  if (target.closest("select, textarea, input:not([type=range]):not([type=checkbox])")) return;
  if (event.key === " " && byKeyboard && target.closest("button, a, summary, input[type=checkbox]")) return;
  const receiver = blind?.isUnderWay ? blind : current;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (receiver?.press(key)) event.preventDefault();
});
document.documentElement.classList.replace("plain", "live");
if (current) makeCurrent(current);
window.audiovqReport = { players, blind }; // for consoles and tests
