// While the spec is written: the page is loaded again when it was saved, and says what is wrong with it.

{
  const live = JSON.parse(document.getElementById("live").textContent);
  const make = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const main = document.querySelector("main");

  if (live.nets.length > 1) {
    const links = live.nets.map((name) => {
      const here = name === live.net ? { "aria-current": "page" } : {};
      return make("a", { href: encodeURIComponent(name), ...here }, name);
    });
    main.before(make("nav", { "aria-label": "Nets of this spec" }, ...links));
  }
  if (live.problems) {
    main.before(make("section", { id: "problems", role: "alert" }, make("pre", { tabindex: "0" }, live.problems)));
    main.classList.add("stale");
  }
  const events = new EventSource("/events");
  events.onmessage = ({ data }) => { if (data !== live.version) location.reload(); };
}
