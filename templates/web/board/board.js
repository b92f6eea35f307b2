// What changes by itself is put into the open page; without this script the page shows what was when it was opened.
const pulse = document.getElementById("pulse");
if (pulse) {
  new EventSource("/live").addEventListener("pulse", (event) => {
    // Nobody who is on a link or a button there loses it.
    if (!pulse.contains(document.activeElement)) pulse.innerHTML = event.data;
  });
}
