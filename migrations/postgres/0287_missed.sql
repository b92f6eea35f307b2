-- What never reached somebody is looked for whenever its fact changes again.
CREATE INDEX notice_missed ON notice (fact) WHERE state = 'red';
